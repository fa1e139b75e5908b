package engine

// post says that a rule may hold where a literal is found.
type post struct {
	rule   int32 // a position in the program's rules
	proves int32 // the ask to which the answer is then yes, or nothing
}

// nothing stands for no ask.
const nothing = -1

// posts are what the literals of an index stand for.
type posts struct {
	all   []post
	first []int32 // by entry, its first; one more is the end
}

// of returns what an entry stands for.
func (p *posts) of(entry int32) []post { return p.all[p.first[entry]:p.first[entry+1]] }

// postBuilder collects literals for an index and what they stand for.
type postBuilder struct {
	*indexBuilder
	filed []filedPost
}

type filedPost struct {
	entry int32
	post
}

func newPostBuilder(common *commonness) *postBuilder {
	return &postBuilder{indexBuilder: newIndexBuilder(common)}
}

func (b *postBuilder) post(n needed, p post) {
	b.filed = append(b.filed, filedPost{b.add(n), p})
}

// sorted returns all posts by entry, in the order in which they came.
func (b *postBuilder) sorted() posts {
	p := posts{all: make([]post, len(b.filed)), first: make([]int32, len(b.entries)+1)}
	for _, f := range b.filed {
		p.first[f.entry+1]++
	}
	for i := range b.entries {
		p.first[i+1] += p.first[i]
	}
	next := make([]int32, len(b.entries))
	copy(next, p.first)
	for _, f := range b.filed {
		p.all[next[f.entry]] = f.post
		next[f.entry]++
	}
	return p
}
