package document

// rgb is a colour.
type rgb struct{ r, g, b uint8 }

// The few colours of a printed paper: ink, what is said more quietly, rules,
// the ground of titles, and what wants care.
var (
	ink   = rgb{0x11, 0x16, 0x1a}
	quiet = rgb{0x47, 0x51, 0x5a}
	rule  = rgb{0xc3, 0xc9, 0xce}
	shade = rgb{0xf2, 0xf4, 0xf5}
	care  = rgb{0x5a, 0x3c, 0xae}
	black = rgb{}
)

// colour returns the colour that TLP 2.0 gives the label's text, always on
// black; ok is false for what is no label.
func (m Marking) colour() (c rgb, ok bool) {
	switch m {
	case TLPRed:
		return rgb{0xff, 0x2b, 0x2b}, true
	case TLPAmber, TLPAmberStrict:
		return rgb{0xff, 0xc0, 0x00}, true
	case TLPGreen:
		return rgb{0x33, 0xff, 0x00}, true
	case TLPClear:
		return rgb{0xff, 0xff, 0xff}, true
	default:
		return rgb{}, false
	}
}
