package archive

import (
	"strings"
	"sync"

	"tocsin/intel"
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
	classes sync.Map // string → *intel.Class, by key
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
	if known, ok := t.classes.Load(k.key); ok {
		return known.(*intel.Class)
	}
	class := t.resolve(k.key)
	if class == nil {
		class = &intel.Class{Product: k.product, Service: k.service}
		if k.categories != "" {
			class.Categories = strings.Split(k.categories, ",")
		}
	}
	known, _ := t.classes.LoadOrStore(k.key, class)
	return known.(*intel.Class)
}
