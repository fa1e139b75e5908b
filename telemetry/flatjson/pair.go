package flatjson

import "tocsin/intel"

// pairKeys are the keys under which loggers write a pair's name and value:
// Windows events re-rendered by .NET and XML converters, Microsoft 365 and
// Azure audit lists, cloud tag lists.
var (
	pairName  = [...]string{"Name", "name", "@Name", "Key", "key"}
	pairValue = [...]string{"Value", "value", "#text", "NewValue", "newValue"}
)

// pair looks at the fields of the array element that begins at field begin:
// where they are a name and its value, the value is given under the name too.
func (d *Decoder) pair(list uint32, begin int) {
	fields := d.rec.Fields[begin:]
	if len(fields) < 2 || len(fields) > 4 {
		return
	}
	name := d.member(list, fields, pairName[:])
	value := d.member(list, fields, pairValue[:])
	if name < 0 || value < 0 || fields[name].Kind != intel.Text || len(fields[name].Value) == 0 {
		return
	}
	at := d.paths.child(list, fields[name].Value)
	d.rec.Add(d.paths.nodes[at].name, fields[value].Kind, fields[value].Value)
}

// member returns the index of the field that is one of the list element's keys, or -1.
func (d *Decoder) member(list uint32, fields []intel.Field, keys []string) int {
	for _, key := range keys {
		at := d.paths.find(list, key)
		if at == none {
			continue
		}
		for i := range fields {
			if fields[i].Name == d.paths.nodes[at].name && fields[i].Name != intel.Unnamed {
				return i
			}
		}
	}
	return -1
}
