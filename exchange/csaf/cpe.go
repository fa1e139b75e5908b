package csaf

import "strings"

// isCPE is a name of CPE in one of its bound forms: a URI (NISTIR 7695 §6.1) or a
// formatted string (§6.2).
func isCPE(s string) bool {
	if rest, found := strings.CutPrefix(s, "cpe:2.3:"); found {
		return isFormattedCPE(rest)
	}
	if len(s) < 5 || !strings.EqualFold(s[:5], "cpe:/") {
		return false
	}
	parts := strings.Split(s[5:], ":")
	if len(parts) > 7 || len(parts[0]) > 1 || !all(parts[0], is("AHOaho")) {
		return false
	}
	for _, part := range parts[1:] {
		if !all(part, isAlnum, is("._-~%")) {
			return false
		}
	}
	return true
}

func isFormattedCPE(s string) bool {
	parts := splitCPE(s)
	if len(parts) != 11 || len(parts[0]) != 1 || !all(parts[0], is("aho*-")) {
		return false
	}
	for i, part := range parts[1:] {
		const language = 5
		if part == "*" || part == "-" {
			continue
		}
		if i == language {
			tag, region, has := strings.Cut(part, "-")
			known := !has || len(region) == 2 && all(region, isAlpha) || len(region) == 3 && digits(region)
			if !known || len(tag) < 2 || len(tag) > 3 || !all(tag, isAlpha) {
				return false
			}
			continue
		}
		if !isCPEValue(part) {
			return false
		}
	}
	return true
}

// splitCPE parts a formatted string at the colons that are not escaped.
func splitCPE(s string) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// isCPEValue is a value with wild cards at its ends only.
func isCPEValue(s string) bool {
	if strings.HasPrefix(s, "*") {
		s = s[1:]
	} else {
		s = strings.TrimLeft(s, "?")
	}
	if strings.HasSuffix(s, "*") && !strings.HasSuffix(s, `\*`) {
		s = s[:len(s)-1]
	} else {
		for strings.HasSuffix(s, "?") && !strings.HasSuffix(s, `\?`) {
			s = s[:len(s)-1]
		}
	}
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if i == len(s) || strings.IndexByte("\\*?!\"#$%&'()+,/:;<=>@[]^`{|}~", s[i]) < 0 {
				return false
			}
			continue
		}
		if !isAlnum(s[i]) && strings.IndexByte("-._", s[i]) < 0 {
			return false
		}
	}
	return true
}
