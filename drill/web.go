package drill

import (
	"fmt"
	"strings"
	"time"
)

const browser = "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/58.0.3029.96 Safari/537.36"

type site struct {
	host, address string
	pages         []string
}

// sites are where people of the company look.
var sites = []site{
	{"news.example", "203.0.113.10", []string{"/", "/world", "/economy/freight-rates", "/weather"}},
	{"port-authority.example", "203.0.113.21", []string{"/berths", "/berths/today", "/notices?lang=en"}},
	{"customs.example", "203.0.113.34", []string{"/tariff?code=8471", "/tariff?code=6109", "/forms/t1.pdf", "/news"}},
	{"maps.example", "203.0.113.40", []string{"/route?from=Hamburg&to=Basel", "/route?from=Antwerp&to=Lyon", "/tiles/9/270/168.png"}},
	{"bank.example", "203.0.113.52", []string{"/login", "/statements", "/static/app.css"}},
	{"shop.example", "203.0.113.66", []string{"/", "/search?q=pallet+jack", "/cart"}},
}

// proxied is a request that the proxy passed on, in its access log and at the sensor.
func (b *book) proxied(at time.Time, m *machine, method, url string, status int, agent string) {
	size := 900 + b.dice.IntN(60000)
	b.put(proxyAccess, at, `%s - %s [%s] "%s %s HTTP/1.1" %d %d "-" "%s" TCP_MISS:HIER_DIRECT`,
		m.address, m.user.account, at.Format("02/Jan/2006:15:04:05 -0700"), method, url, status, size, agent)
	uid, port := b.seen(at, flow{m.address, b.company.proxy.address, proxyPort, "tcp", "http", "SF", 700, size})
	if host, path, ok := strings.Cut(strings.TrimPrefix(url, "http://"), "/"); ok {
		b.row(zeekHTTP, at, uid, m.address, port, b.company.proxy.address, proxyPort,
			1, method, host, "http://"+host+"/"+path, "-", "1.1", agent, 0, size, status, "OK", "text/html")
	}
}

// visitors are the customers and robots that come to the company's web server.
var visitors = []struct{ agent, pages string }{
	{browser, "/ /track?id=NW204518 /assets/site.css /assets/site.js"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 10_3 like Mac OS X) AppleWebKit/603.1.30 (KHTML, like Gecko) Version/10.0 Mobile/14E277 Safari/602.1", "/ /track?id=NW198002 /contact"},
	{"Mozilla/5.0 (compatible; searchbot/2.1; +http://search.example/bot.html)", "/robots.txt / /services /contact /imprint"},
	{"freight-client/3.4 (Norwind partner)", "/api/v1/shipments?since=2017-05-11 /api/v1/rates"},
}

// webServer is the Linux web server's day: visitors, robots that knock at doors
// that are not there, its administrator, its own jobs.
func (b *book) webServer() {
	for range 420 {
		at := b.within(midnight, 24*time.Hour)
		visitor, from := pick(b, visitors), fmt.Sprintf("198.51.100.%d", 1+b.dice.IntN(250))
		for i, page := range strings.Fields(visitor.pages) {
			b.asked(at.Add(time.Duration(i)*400*time.Millisecond), from, "GET", page, 200, visitor.agent)
		}
	}
	for i, page := range strings.Fields("/wp-login.php /phpmyadmin/ /xmlrpc.php /admin/ /.git/config /manager/html /wp-login.php /favicon.gif") {
		b.asked(b.within(clock(3*i, 0), 3*time.Hour), fmt.Sprintf("203.0.113.%d", 190+i), "GET", page, 404, "Mozilla/5.0")
	}
	b.linuxJobs()
	b.linuxAdministrator()
}

// asked is one request to the web server.
func (b *book) asked(at time.Time, from, method, page string, status int, agent string) {
	size := 400 + b.dice.IntN(20000)
	b.put(webAccess, at, `%s - - [%s] "%s %s HTTP/1.1" %d %d "-" "%s"`, from, at.Format("02/Jan/2006:15:04:05 -0700"), method, page, status, size, agent)
}

// proxyServer is what the proxy's system log says.
func (b *book) proxyServer() {
	for hour := range 24 {
		b.put(proxySyslog, clock(hour, 17), "%s proxy01 CRON[%d]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)", stamp(clock(hour, 17)), 1900+hour)
	}
	b.put(proxySyslog, clock(6, 25), "%s proxy01 squid[812]: storeDirWriteCleanLogs: Finished.  Wrote 42012 entries.", stamp(clock(6, 25)))
}

const firewallHead = "time,action,proto,src_ip,src_port,dst_ip,dst_port,rule,bytes\n"

// perimeter is the border firewall's day: the proxy's requests out, the web
// server's visitors in, the internet's noise refused.
func (b *book) perimeter() {
	for range 500 {
		b.crossed(b.within(clock(6, 30), 11*time.Hour), "allow", b.company.proxy.address, pick(b, sites).address, 443, "proxy-out", 800+b.dice.IntN(90000))
	}
	for range 250 {
		b.crossed(b.within(midnight, 24*time.Hour), "allow", fmt.Sprintf("198.51.100.%d", 1+b.dice.IntN(250)), b.company.web.address, 443, "web-in", 500+b.dice.IntN(20000))
	}
	for range 300 {
		b.crossed(b.within(midnight, 24*time.Hour), "deny", fmt.Sprintf("203.0.113.%d", 1+b.dice.IntN(250)), "192.0.2.25", pick(b, []int{22, 23, 80, 1433, 3389, 5060, 8080}), "default", 0)
	}
}

// crossed is a line of the border firewall.
func (b *book) crossed(at time.Time, action, from, to string, port int, rule string, size int) {
	b.put(firewallFile, at, "%s,%s,tcp,%s,%d,%s,%d,%s,%d", at.Format(time.RFC3339), action, from, b.port(), to, port, rule, size)
}
