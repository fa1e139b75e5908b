package sigma

// joinAll is And without needless nesting.
func joinAll(parts []Expr) Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return And(parts)
}

// joinAny is Or without needless nesting.
func joinAny(parts []Expr) Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return Or(parts)
}

// EachTest calls f for every test in an expression, in the order of the rule.
func EachTest(x Expr, f func(*Test)) {
	switch x := x.(type) {
	case And:
		for _, part := range x {
			EachTest(part, f)
		}
	case Or:
		for _, part := range x {
			EachTest(part, f)
		}
	case Not:
		EachTest(x.X, f)
	case *Search:
		EachTest(x.X, f)
	case *Test:
		f(x)
	}
}

// Rewrite returns a copy of the rule in which change has replaced every test
// of its searches. The rule itself stays as it is, as does everything that
// change returns unchanged.
func (r *Rule) Rewrite(change func(*Test) (Expr, error)) (*Rule, error) {
	return r.RewriteSearches(func(s *Search) (Expr, error) { return RewriteExpr(s.X, change) })
}

// RewriteSearches returns a copy of the rule in which change has replaced the
// meaning of every search.
func (r *Rule) RewriteSearches(change func(*Search) (Expr, error)) (*Rule, error) {
	out := *r
	renewed := make(map[*Search]*Search, len(r.Searches))
	out.Searches = make([]*Search, len(r.Searches))
	for i, s := range r.Searches {
		x, err := change(s)
		if err != nil {
			return nil, err
		}
		out.Searches[i] = &Search{Name: s.Name, X: x, Line: s.Line}
		renewed[s] = out.Searches[i]
	}
	out.Conditions = make([]Expr, len(r.Conditions))
	for i, c := range r.Conditions {
		out.Conditions[i] = relink(c, renewed)
	}
	return &out, nil
}

// relink replaces searches in a condition by their new selves.
func relink(x Expr, renewed map[*Search]*Search) Expr {
	switch x := x.(type) {
	case And:
		return And(relinkAll(x, renewed))
	case Or:
		return Or(relinkAll(x, renewed))
	case Not:
		return Not{relink(x.X, renewed)}
	case *Search:
		if s, ok := renewed[x]; ok {
			return s
		}
	}
	return x
}

func relinkAll(parts []Expr, renewed map[*Search]*Search) []Expr {
	out := make([]Expr, len(parts))
	for i, part := range parts {
		out[i] = relink(part, renewed)
	}
	return out
}

// RewriteExpr returns the expression with every test replaced. Searches within
// it stay as they are.
func RewriteExpr(x Expr, change func(*Test) (Expr, error)) (Expr, error) {
	switch x := x.(type) {
	case And:
		parts, err := rewriteAll(x, change)
		return And(parts), err
	case Or:
		parts, err := rewriteAll(x, change)
		return Or(parts), err
	case Not:
		inner, err := RewriteExpr(x.X, change)
		return Not{inner}, err
	case *Test:
		return change(x)
	}
	return x, nil
}

func rewriteAll(parts []Expr, change func(*Test) (Expr, error)) ([]Expr, error) {
	out := make([]Expr, len(parts))
	for i, part := range parts {
		var err error
		if out[i], err = RewriteExpr(part, change); err != nil {
			return nil, err
		}
	}
	return out, nil
}
