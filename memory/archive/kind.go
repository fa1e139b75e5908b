package archive

import (
	"strings"
	"sync"

	"tocsin/intel"
	"tocsin/telemetry"
)

// kind is a class of events as it is stored: by its key, from which the class
// is had again, and by the words people know it under.
type kind struct {
	key                          string
	product, service, categories string
}

// group is what decides in which partition events are kept.
func (k *kind) group() string { return k.product + "/" + k.service }

// kindTable gives each class its kind, and each key.
type kindTable struct {
	describe func(*intel.Class) string
	resolve  func(string) *intel.Class

	byClass sync.Map // *intel.Class → *kind
	byKey   sync.Map // string → *kind
}

func (t *kindTable) of(class *intel.Class) *kind {
	if known, ok := t.byClass.Load(class); ok {
		return known.(*kind)
	}
	made := t.intern(kind{
		key: t.describe(class), product: class.Product, service: class.Service,
		categories: strings.Join(class.Categories, ","),
	})
	t.byClass.Store(class, made)
	return made
}

// intern returns the one kind of that key.
func (t *kindTable) intern(k kind) *kind {
	known, _ := t.byKey.LoadOrStore(k.key, &k)
	return known.(*kind)
}

// class returns the class of a kind: what its key stands for, or, where nobody
// knows it any more, what was stored of it, so that rules for its log source are
// still asked.
func (t *kindTable) class(k *kind) *intel.Class {
	if class := t.resolve(k.key); class != nil {
		return class
	}
	class := &intel.Class{Product: k.product, Service: k.service}
	if k.categories != "" {
		class.Categories = strings.Split(k.categories, ",")
	}
	return class
}

// sourceTable gives each source its one copy.
type sourceTable struct {
	last  sync.Map // *telemetry.Source → *source
	known sync.Map // source → *source
}

func (t *sourceTable) of(s *telemetry.Source) *source {
	if known, ok := t.known.Load(source{s.Name, string(s.Format)}); ok {
		return known.(*source)
	}
	return t.intern(source{s.Name, string(s.Format)})
}

func (t *sourceTable) intern(s source) *source {
	known, _ := t.known.LoadOrStore(s, &s)
	return known.(*source)
}
