package drill

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// zeekSchema is the head of one of Zeek's logs: its fields and their types.
type zeekSchema struct{ path, fields, types string }

var zeekSchemas = map[string]zeekSchema{
	zeekConn: {
		"conn",
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents",
		"time string addr port addr port enum string interval count count string bool bool count string count count count count set[string]",
	},
	zeekDNS: {
		"dns",
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected",
		"time string addr port addr port enum count interval string count string count string count string bool bool bool bool count vector[string] vector[interval] bool",
	},
	zeekHTTP: {
		"http",
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version user_agent request_body_len response_body_len status_code status_msg resp_mime_types",
		"time string addr port addr port count string string string string string string count count count string vector[string]",
	},
	zeekSMBFiles: {
		"smb_files",
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p fuid action path name size prev_name times.modified",
		"time string addr port addr port string enum string string count string time",
	},
}

func (s zeekSchema) log() *textLog {
	tabs := func(words string) string { return strings.ReplaceAll(words, " ", "\t") }
	return &textLog{
		head: "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + s.path +
			"\n#open\t2017-05-12-00-00-00\n#fields\t" + tabs(s.fields) + "\n#types\t" + tabs(s.types) + "\n",
		tail: "#close\t2017-05-13-00-00-00\n",
	}
}

// row writes a record of Zeek; every record begins with its time and connection.
func (b *book) row(file string, at time.Time, uid, from string, fromPort int, to string, toPort int, rest ...any) {
	row := fmt.Appendf(nil, "%s\t%s\t%s\t%d\t%s\t%d", epoch(at), uid, from, fromPort, to, toPort)
	for _, value := range rest {
		row = fmt.Appendf(row, "\t%v", value)
	}
	b.put(file, at, "%s", row)
}

func epoch(at time.Time) string {
	return fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000)
}

// uid names a connection.
func (b *book) uid() string { return fmt.Sprintf("CNw%014d", b.number()) }

// flow is a connection as the sensor sees it.
type flow struct {
	from, to string
	port     int
	proto    string
	service  string
	state    string // Zeek's conn_state: SF ended well, S0 no answer, REJ refused
	sent     int
	received int
}

// seen puts down a connection and returns its name and the client's port.
func (b *book) seen(at time.Time, f flow) (uid string, port int) {
	uid, port = b.uid(), b.port()
	seconds, history, answers := fmt.Sprintf("%.6f", 0.02+float64(f.sent+f.received)/400000), "ShADadFf", 4+f.received/1400
	sent, received := strconv.Itoa(f.sent), strconv.Itoa(f.received)
	switch f.state {
	case "S0":
		seconds, history, answers, sent, received = "-", "S", 0, "-", "-"
	case "REJ":
		seconds, history, answers, sent, received = "0.000400", "Sr", 1, "0", "0"
	}
	local := "F"
	if strings.HasPrefix(f.to, "10.") {
		local = "T"
	}
	b.row(zeekConn, at, uid, f.from, port, f.to, f.port,
		f.proto, f.service, seconds, sent, received, f.state, "T", local, 0, history, 3+f.sent/1400, f.sent+160, answers, f.received+40*answers, "-")
	return uid, port
}

// seenLookup puts down a name's look-up. An empty answer: there is no such name.
func (b *book) seenLookup(at time.Time, from, name, answer string) {
	code, word, answers, ttls := 0, "NOERROR", answer, "300.000000"
	if answer == "" {
		code, word, answers, ttls = 3, "NXDOMAIN", "-", "-"
	}
	b.row(zeekDNS, at, b.uid(), from, b.port(), b.company.dc1.address, 53,
		"udp", b.number()%65536, "0.000900", name, 1, "C_INTERNET", 1, "A", code, word, "F", "F", "T", "T", 0, answers, ttls, "F")
}

// seenFile puts down what was done with a file on a share.
func (b *book) seenFile(at time.Time, from, action, path, name, before string, size int) {
	b.row(zeekSMBFiles, at, b.uid(), from, b.port(), b.company.files.address, 445,
		"-", action, path, name, size, before, epoch(at))
}
