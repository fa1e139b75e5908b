package main

import (
	"context"

	"github.com/valyala/fastjson"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
)

// decoding compares our JSON decoder with fastjson, which parses into a tree
// that is then visited: every value looked at, strings unescaped. Ours names
// every value too.
func (b *bench) decoding(ctx context.Context, s *stream) (*report, error) {
	medians, err := race(ctx, b.rounds, []contender{
		{"fastjson", here(func() error { return visitAll(s) })},
		{"flatjson", here(func() error { return decodeAll(s) })},
	})
	if err != nil {
		return nil, err
	}
	r := &report{title: "JSON decoding", unit: "event", lines: []line{
		{"fastjson, parse and visit", medians[0], s.events(), ""},
		{"telemetry/flatjson", medians[1], s.events(), ""},
	}}
	r.goals = []goal{{text: "decoding against fastjson", got: r.lines[1].each() / r.lines[0].each(), limit: 1.3}}
	return r, nil
}

func decodeAll(s *stream) error {
	decoder := flatjson.NewDecoder(intel.NewNames(nil))
	var rec intel.Record
	return s.each(func(line []byte) error {
		rec.Reset()
		_, err := decoder.Decode(line, &rec)
		return err
	})
}

func visitAll(s *stream) error {
	var parser fastjson.Parser
	total := 0
	err := s.each(func(line []byte) error {
		v, err := parser.ParseBytes(line)
		if err != nil {
			return err
		}
		total += visit(v)
		return nil
	})
	if total < 0 {
		panic("unreachable: keeps the visits from being optimised away")
	}
	return err
}

// visit looks at every value below v and returns how many bytes of text it saw.
func visit(v *fastjson.Value) int {
	n := 0
	switch v.Type() {
	case fastjson.TypeObject:
		object, _ := v.Object() // its type was just asked
		object.Visit(func(key []byte, member *fastjson.Value) { n += len(key) + visit(member) })
	case fastjson.TypeArray:
		elements, _ := v.Array() // its type was just asked
		for _, element := range elements {
			n += visit(element)
		}
	case fastjson.TypeString:
		text, _ := v.StringBytes() // its type was just asked
		n += len(text)
	default:
		n++
	}
	return n
}
