package drill

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

const windowsFile = "windows/winlogbeat-20170512.ndjson"

// windowsLog is what Winlogbeat collected from all Windows machines.
type windowsLog struct{ events []windowsEvent }

type windowsEvent struct {
	at      time.Time
	machine *machine
	channel channel
	id      int
	level   string
	data    map[string]string
}

// channel is a Windows event log and who writes to it.
type channel struct{ name, provider, guid string }

var (
	sysmonLog     = channel{"Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"}
	securityLog   = channel{"Security", "Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-a5ba-3e3b0328c30d}"}
	serviceLog    = channel{"System", "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}"}
	powershellLog = channel{"Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}"}
	defenderLog   = channel{"Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", "{11cd958a-c507-4ef3-b3f2-5fd9dfbd2c78}"}
)

// beat is one line of Winlogbeat's file output: ECS fields, and the event as
// Windows has it below winlog.
type beat struct {
	Timestamp string            `json:"@timestamp"`
	Agent     map[string]string `json:"agent"`
	ECS       map[string]string `json:"ecs"`
	Event     beatEvent         `json:"event"`
	Host      map[string]string `json:"host"`
	Log       map[string]string `json:"log"`
	Winlog    winlog            `json:"winlog"`
}

type beatEvent struct {
	Code     string `json:"code"`
	Kind     string `json:"kind"`
	Provider string `json:"provider"`
}

type winlog struct {
	API          string            `json:"api"`
	Channel      string            `json:"channel"`
	ComputerName string            `json:"computer_name"`
	EventData    map[string]string `json:"event_data"`
	EventID      string            `json:"event_id"`
	ProviderGUID string            `json:"provider_guid"`
	ProviderName string            `json:"provider_name"`
	RecordID     uint64            `json:"record_id"`
}

// record puts down an event of a Windows machine; fields are names and values in turn.
func (b *book) record(at time.Time, m *machine, c channel, id int, fields ...string) {
	data := make(map[string]string, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		data[fields[i]] = fields[i+1]
	}
	b.windows.events = append(b.windows.events, windowsEvent{at: at, machine: m, channel: c, id: id, level: "information", data: data})
}

func (l *windowsLog) render() []byte {
	slices.SortStableFunc(l.events, func(a, b windowsEvent) int { return a.at.Compare(b.at) })
	records := map[string]uint64{}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	for _, e := range l.events {
		log := e.machine.name + e.channel.name
		records[log]++
		// Strings and numbers only: this cannot fail.
		_ = out.Encode(e.beat(uint64(e.machine.number)*1000 + records[log]))
	}
	return text.Bytes()
}

func (e *windowsEvent) beat(record uint64) beat {
	id := strconv.Itoa(e.id)
	return beat{
		Timestamp: e.at.Format("2006-01-02T15:04:05.000Z"),
		Agent:     map[string]string{"hostname": e.machine.name, "type": "winlogbeat", "version": "8.17.0"},
		ECS:       map[string]string{"version": "8.0.0"},
		Event:     beatEvent{Code: id, Kind: "event", Provider: e.channel.provider},
		Host:      map[string]string{"name": e.machine.fqdn()},
		Log:       map[string]string{"level": e.level},
		Winlog: winlog{
			API: "wineventlog", Channel: e.channel.name, ComputerName: e.machine.fqdn(), EventData: e.data, EventID: id,
			ProviderGUID: e.channel.guid, ProviderName: e.channel.provider, RecordID: record,
		},
	}
}
