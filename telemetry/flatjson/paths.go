package flatjson

import "tocsin/intel"

// pathsLimit bounds how many paths are remembered between records. Real shapes
// need hundreds; a stream of ever new keys only makes the memory start anew.
const pathsLimit = 1 << 16

// node is one path: its parent's path and a last key.
type node struct {
	key    string
	parent uint32
	name   intel.Name
	// next is the node that followed this one last time: the guess for the
	// next key, checked before it is believed.
	next uint32
	// into is the node that was first inside this one last time.
	into uint32
	raw  bool // objects and arrays here are given as text too
}

// root is the node of the record itself; 0 is no node.
const (
	none uint32 = 0
	root uint32 = 1
)

// paths remembers every path seen as a tree, with the name it stands for.
type paths struct {
	names   *intel.Cache
	raw     func(path string) bool // may be nil
	nodes   []node
	buckets []uint32 // open addressing by (parent, key); 0 is free
	text    []byte   // scratch for a whole path
}

func newPaths(names *intel.Names) *paths {
	p := &paths{names: intel.NewCache(names)}
	p.forget()
	return p
}

// forget drops all paths; names keep their numbers.
func (p *paths) forget() {
	p.nodes = append(p.nodes[:0], node{}, node{})
	p.buckets = make([]uint32, 1024)
}

// child returns the node of parent's member key, making it when it is new.
func (p *paths) child(parent uint32, key []byte) uint32 {
	mask := uint64(len(p.buckets) - 1)
	for slot := hash(parent, key) & mask; ; slot = (slot + 1) & mask {
		at := p.buckets[slot]
		if at == none {
			return p.add(parent, key, slot)
		}
		if n := &p.nodes[at]; n.parent == parent && n.key == string(key) {
			return at
		}
	}
}

// find returns the node of parent's member key, or none.
func (p *paths) find(parent uint32, key string) uint32 {
	mask := uint64(len(p.buckets) - 1)
	for slot := hash(parent, key) & mask; ; slot = (slot + 1) & mask {
		at := p.buckets[slot]
		if at == none {
			return none
		}
		if n := &p.nodes[at]; n.parent == parent && n.key == key {
			return at
		}
	}
}

func (p *paths) add(parent uint32, key []byte, slot uint64) uint32 {
	if parent == none || len(p.nodes) >= 4*pathsLimit {
		return none // one record full of ever new keys: its further fields are unnamed
	}
	at := uint32(len(p.nodes))
	p.nodes = append(p.nodes, node{key: string(key), parent: parent})
	path := p.path(at)
	p.nodes[at].name = p.names.Path(path)
	p.nodes[at].raw = p.raw != nil && p.raw(string(path))
	p.buckets[slot] = at
	if 2*len(p.nodes) > len(p.buckets) {
		p.rehash()
	}
	return at
}

func (p *paths) rehash() {
	p.buckets = make([]uint32, 2*len(p.buckets))
	mask := uint64(len(p.buckets) - 1)
	for at := root + 1; at < uint32(len(p.nodes)); at++ {
		n := &p.nodes[at]
		slot := hash(n.parent, n.key) & mask
		for p.buckets[slot] != none {
			slot = (slot + 1) & mask
		}
		p.buckets[slot] = at
	}
}

// path writes out a node's dotted path.
func (p *paths) path(at uint32) []byte {
	p.text = p.text[:0]
	p.appendPath(at)
	return p.text
}

func (p *paths) appendPath(at uint32) {
	n := p.nodes[at]
	if n.parent != root {
		p.appendPath(n.parent)
		p.text = append(p.text, '.')
	}
	p.text = append(p.text, n.key...)
}

// hash is FNV-1a over the key, begun from the parent: keys are short and the
// table is checked by comparison.
func hash[key string | []byte](parent uint32, k key) uint64 {
	h := uint64(14695981039346656037) ^ uint64(parent)*0x9E3779B97F4A7C15
	for i := range len(k) {
		h = (h ^ uint64(k[i])) * 1099511628211
	}
	return h ^ h>>32
}
