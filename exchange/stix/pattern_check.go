package stix

import "fmt"

// Tests calls visit for every test of a pattern, from left to right.
func (o *Observation) Tests(visit func(*Comparison)) {
	for _, term := range o.Terms {
		term.Tests(visit)
	}
	if o.Comparison != nil {
		o.Comparison.tests(visit)
	}
}

func (c *Comparison) tests(visit func(*Comparison)) {
	if c.Join == "" {
		visit(c)
	}
	for _, term := range c.Terms {
		term.tests(visit)
	}
}

// CheckPattern reads a pattern, and checks beyond the grammar that hashes look like
// hashes of their algorithm.
func CheckPattern(pattern string) (*Observation, error) {
	o, err := ParsePattern(pattern)
	if err != nil {
		return nil, err
	}
	o.Tests(func(c *Comparison) {
		if err == nil {
			err = c.hash()
		}
	})
	return o, err
}

// hash checks the value of a test of a known algorithm.
func (c *Comparison) hash() error {
	steps := c.Path.Steps
	if c.Operator != "=" || len(steps) < 2 || steps[len(steps)-2].Key != "hashes" {
		return nil
	}
	form := hashForms[steps[len(steps)-1].Key]
	if value := c.Values[0]; form != nil && value.Kind == "text" && !form.MatchString(value.Text) {
		return fmt.Errorf("pattern: %s is no hash of %s", shown(value.Text), steps[len(steps)-1].Key)
	}
	return nil
}

// pattern checks the pattern of an indicator: its grammar, and the names in it.
func (c *checker) pattern(path string, text string) {
	o, err := CheckPattern(text)
	if err != nil {
		c.must(path, "%v", err)
		return
	}
	o.Tests(func(test *Comparison) {
		kind, name := test.Path.Type, test.Path.Steps[0].Key
		if !typeForm.MatchString(kind) || len(kind) < minName {
			c.must(path, "%s is no name of a type", shown(kind))
		}
		if name != "id" && !propertyForm.MatchString(name) {
			c.must(path, "%s is no name of a property", shown(name))
		}
		class := c.types[kind]
		switch {
		case class == nil:
			c.note(ruleType, path, "the standard defines no type %q", kind)
			c.customName(path, kind, "x-", "type", true)
		case class.byName[name] == nil:
			c.note(ruleProperty, path, "the standard defines no property %q of %s", name, kind)
			c.customName(path, name, "x_", "property", true)
		}
	})
}
