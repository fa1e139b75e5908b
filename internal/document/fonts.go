package document

import (
	"fmt"
	"os"
	"path/filepath"
	"unicode"

	"github.com/signintech/gopdf/fontmaker/core"

	"tocsin/internal/fault"
)

// length is a distance on paper in thousandths of a point. Whole numbers make
// the same pages on every kind of processor.
type length int

const point length = 1000

// faceID is which of the fonts a glyph comes from.
type faceID uint8

const (
	regular faceID = iota
	bold
	moreRegular // characters that the first two lack
	moreBold
	han
	faces
)

// Fonts are the fonts that a PDF is set in, read and ready. They are not
// changed after reading and may be used by several goroutines.
type Fonts struct {
	face [faces]*face
}

type face struct {
	file  string
	data  []byte
	chars map[rune]uint // glyphs by character, of the basic plane
	parse *core.TTFParser
}

// fontFiles are where Debian, and what descends from it, puts the fonts that
// can be used: TrueType outlines, one font a file. The first that is there is
// taken.
var fontFiles = [faces][]string{
	regular: {
		"truetype/liberation/LiberationSans-Regular.ttf", "truetype/liberation2/LiberationSans-Regular.ttf",
		"truetype/noto/NotoSans-Regular.ttf", "truetype/dejavu/DejaVuSans.ttf",
	},
	bold: {
		"truetype/liberation/LiberationSans-Bold.ttf", "truetype/liberation2/LiberationSans-Bold.ttf",
		"truetype/noto/NotoSans-Bold.ttf", "truetype/dejavu/DejaVuSans-Bold.ttf",
	},
	moreRegular: {"truetype/dejavu/DejaVuSans.ttf"},
	moreBold:    {"truetype/dejavu/DejaVuSans-Bold.ttf"},
	han: {
		"truetype/droid/DroidSansFallbackFull.ttf", "truetype/droid/DroidSansFallback.ttf",
		"truetype/arphic-gbsn00lp/gbsn00lp.ttf", "truetype/arphic-gkai00mp/gkai00mp.ttf",
	},
}

// fontRoots are searched in order.
var fontRoots = []string{"/usr/share/fonts", "/usr/local/share/fonts"}

// What to install where a font is absent.
const (
	latinPackage = "fonts-liberation (and fonts-dejavu-core for more scripts)"
	hanPackage   = "fonts-droid-fallback"
)

// FindFonts reads the fonts of this machine, or of the folders given, laid out
// as in /usr/share/fonts. It fails as fault.Unavailable, saying what to
// install, when there is no Latin font; one for Chinese is missed only by a
// paper that needs it.
func FindFonts(roots ...string) (*Fonts, error) {
	if len(roots) == 0 {
		roots = fontRoots
	}
	var f Fonts
	for id, names := range fontFiles {
		found, err := firstFace(roots, names)
		if err != nil {
			return nil, err
		}
		f.face[id] = found
	}
	if f.face[regular] == nil || f.face[bold] == nil {
		return nil, fmt.Errorf("find fonts in %v: there is no Latin font with its bold; install the package %s: %w", roots, latinPackage, fault.Unavailable)
	}
	return &f, nil
}

// Files returns the files that were taken, for who wants to say what a PDF's
// bytes depend on.
func (f *Fonts) Files() []string {
	var files []string
	for _, face := range f.face {
		if face != nil {
			files = append(files, face.file)
		}
	}
	return files
}

func firstFace(roots, names []string) (*face, error) {
	for _, root := range roots {
		for _, name := range names {
			file := filepath.Join(root, filepath.FromSlash(name))
			data, err := os.ReadFile(file)
			if err != nil {
				continue // the next may be there
			}
			return readFace(file, data)
		}
	}
	return nil, nil //nolint:nilnil // absence is no error until a paper needs the font
}

// width returns how wide r is at a size, and false where the face lacks it.
func (f *face) width(r rune, size length) (length, bool) {
	if f == nil {
		return 0, false
	}
	glyph, ok := f.chars[r]
	if !ok {
		return 0, false
	}
	// Glyphs beyond the table of widths are as wide as its last.
	glyph = min(glyph, f.parse.NumberOfHMetrics()-1)
	// The library rounds a glyph's width down to a thousandth; so must we.
	thousandths := f.parse.Widths()[glyph] * 1000 / f.parse.UnitsPerEm()
	return length(thousandths) * size / 1000, true
}

// glyphs sets text in a style and size. A character that no font has stands as
// its code point.
func (f *Fonts) glyphs(out []glyph, text string, style look) []glyph {
	for _, r := range text {
		if r == '\n' {
			out = append(out, glyph{r: r})
			continue
		}
		if g, ok := f.glyph(r, style); ok {
			out = append(out, g)
			continue
		}
		for _, c := range codePoint(r) {
			if g, ok := f.glyph(c, style); ok {
				out = append(out, g)
			}
		}
	}
	return out
}

// look is how text is to look: regular or bold, size, colour, and whether marks
// that Latin and Chinese share are Chinese.
type look struct {
	face    faceID
	size    length
	tint    rgb
	chinese bool
}

// sharedMark says that r has one code point and two forms: narrow in Latin
// fonts, as wide as a character in Chinese ones.
func sharedMark(r rune) bool {
	switch r {
	case '“', '”', '‘', '’', '…', '—', '·':
		return true
	default:
		return false
	}
}

func (f *Fonts) glyph(r rune, style look) (glyph, bool) {
	if r != '\u3000' && unicode.Is(unicode.Zs, r) {
		r = ' ' // as wide as any other space
	}
	order := [...]faceID{style.face, style.face + moreRegular, regular, moreRegular, han}
	if wide(r) || style.chinese && sharedMark(r) {
		order = [...]faceID{han, style.face, style.face + moreRegular, regular, moreRegular}
	}
	for _, id := range order {
		if w, ok := f.face[id].width(r, style.size); ok {
			return glyph{r: r, face: id, width: w, tint: style.tint}, true
		}
	}
	return glyph{}, false
}

// need refuses a paper that has Chinese text where no font has any.
func (f *Fonts) need(text string) error {
	if f.face[han] != nil {
		return nil
	}
	for _, r := range text {
		if unicode.Is(unicode.Han, r) {
			return fmt.Errorf("set %q: there is no font with Chinese characters; install the package %s: %w", r, hanPackage, fault.Unavailable)
		}
	}
	return nil
}
