package correlate

// groupList orders groups by when they were last added to.
type groupList struct {
	newest, oldest *group
	length         int
}

// touch makes a group the newest, whether it is in the list or not.
func (l *groupList) touch(g *group) {
	if l.newest == g {
		return
	}
	if g.newer != nil { // in the list, and not its newest
		l.remove(g)
	}
	g.older = l.newest
	if l.newest != nil {
		l.newest.newer = g
	}
	l.newest = g
	if l.oldest == nil {
		l.oldest = g
	}
	l.length++
}

func (l *groupList) remove(g *group) {
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		l.newest = g.older
	}
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		l.oldest = g.newer
	}
	g.newer, g.older = nil, nil
	l.length--
}
