package observable

// ParseFields reads a list of fields, for tests of what is wrong with one.
func ParseFields(text string) error {
	_, err := parseFields(text)
	return err
}

// Extensions returns the extensions that are said to be top-level domains too,
// and those that are not.
func Extensions() (also, only []string) {
	for name, e := range extensions {
		if e.domain {
			also = append(also, name)
		} else {
			only = append(only, name)
		}
	}
	return also, only
}

// IsSuffix reports whether a name is a public suffix of ICANN's part of the list.
func IsSuffix(name string) bool { return publicSuffix(name) == name && isICANN(name) }
