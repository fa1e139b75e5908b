package cap

import (
	"crypto/sha1" //nolint:gosec // CAP's digest is SHA-1 (§3.2.3); it guards nothing here
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// The functions here say what is wrong with one value, or "" when nothing is.

var (
	momentForm   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d$`)
	languageForm = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)
	decimalForm  = regexp.MustCompile(`^[-+]?(\d+(\.\d*)?|\.\d+)$`)
	digestForm   = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)
	dottedForm   = regexp.MustCompile(`^([A-Za-z]\.){2,}[A-Za-z]?$`)
)

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// nameFault checks an identifier or a sender.
func nameFault(text string) string {
	if text == "" {
		return "it is empty"
	}
	if strings.ContainsAny(text, " \t\r\n\u00a0,<&") {
		return "it must not include blanks, commas, < or &"
	}
	return ""
}

func timeFault(d DateTime) string {
	switch text := string(d); {
	case strings.HasSuffix(text, "Z") || strings.HasSuffix(text, "z"):
		return `the zone must be numeric: UTC is "-00:00", never "Z"`
	case !momentForm.MatchString(text):
		return "it is not in the form 2002-05-24T16:49:00-07:00"
	case strings.HasSuffix(text, "+00:00"):
		return `UTC is written "-00:00"`
	}
	_, err := d.Time()
	return message(err)
}

func listFault(text string) string {
	_, err := Split(text)
	return message(err)
}

func languageFault(text string) string {
	if !languageForm.MatchString(text) {
		return "it is no language as RFC 3066 writes it (en-US, fr)"
	}
	return ""
}

func absoluteFault(text string) string {
	if reason := uriFault(text); reason != "" {
		return reason
	}
	if u, err := url.Parse(text); err != nil || !u.IsAbs() {
		return "it is no full absolute URI"
	}
	return ""
}

func uriFault(text string) string {
	if _, err := url.Parse(text); err != nil || strings.ContainsAny(text, " \t\r\n<>\"") {
		return "it is no URI"
	}
	return ""
}

func mimeFault(text string) string {
	kind, _, err := mime.ParseMediaType(text)
	major, minor, both := strings.Cut(kind, "/")
	if err != nil || !both || major == "" || minor == "" {
		return "it is no MIME type and subtype as RFC 2046 writes them (text/html)"
	}
	return ""
}

func sizeFault(text string) string {
	if _, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64); err != nil {
		return "it is no number of bytes"
	}
	return ""
}

func digestFault(text string) string {
	if !digestForm.MatchString(text) {
		return "it is no SHA-1 digest: 40 hexadecimal digits"
	}
	return ""
}

func decimalFault(text string) string {
	if !decimalForm.MatchString(text) {
		return "it is no decimal number (feet)"
	}
	return ""
}

func dotted(text string) bool { return dottedForm.MatchString(text) }

// Content returns what DerefURI holds; nil when it is absent.
func (r *Resource) Content() ([]byte, error) {
	if r.DerefURI == "" {
		return nil, nil
	}
	content, err := base64.StdEncoding.DecodeString(r.DerefURI) // skips line ends
	if err != nil {
		return nil, errors.New("it is not written in base64")
	}
	return content, nil
}

// Attach returns a resource that carries its content.
func Attach(description, mimeType string, content []byte) Resource {
	return Resource{
		Description: description, MIMEType: mimeType, Size: strconv.Itoa(len(content)),
		DerefURI: base64.StdEncoding.EncodeToString(content), Digest: Digest(content),
	}
}

// Digest is the SHA-1 digest as a Resource states it.
func Digest(content []byte) string {
	sum := sha1.Sum(content) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// Point is a place in WGS 84, in degrees (§3.3.1).
type Point struct{ Latitude, Longitude float64 }

func parsePoint(text string) (Point, error) {
	latitude, longitude, both := strings.Cut(text, ",")
	if !both || !decimalForm.MatchString(latitude) || !decimalForm.MatchString(longitude) {
		return Point{}, fmt.Errorf("%q is no latitude,longitude in decimal degrees", clip(text))
	}
	var p Point
	p.Latitude, _ = strconv.ParseFloat(latitude, 64) // the form was checked
	p.Longitude, _ = strconv.ParseFloat(longitude, 64)
	if p.Latitude < -90 || p.Latitude > 90 {
		return Point{}, fmt.Errorf("the latitude of %q is not between -90 and 90", clip(text))
	}
	if p.Longitude < -180 || p.Longitude > 180 {
		return Point{}, fmt.Errorf("the longitude of %q is not between -180 and 180", clip(text))
	}
	return p, nil
}

// Polygon returns the points of a polygon.
func Polygon(text string) ([]Point, error) {
	var points []Point
	for word := range strings.FieldsSeq(text) {
		p, err := parsePoint(word)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	if len(points) < 4 {
		return nil, fmt.Errorf("a polygon has at least four pairs of coordinates, not %d", len(points))
	}
	if points[0] != points[len(points)-1] {
		return nil, errors.New("the first and the last pair of coordinates must be the same")
	}
	return points, nil
}

func polygonFault(text string) string {
	_, err := Polygon(text)
	return message(err)
}

// Circle returns centre and radius, in kilometres, of a circle.
func Circle(text string) (Point, float64, error) {
	words := strings.Fields(text)
	if len(words) != 2 {
		return Point{}, 0, errors.New("a circle is latitude,longitude and, after a blank, the radius")
	}
	p, err := parsePoint(words[0])
	if err != nil {
		return Point{}, 0, err
	}
	if !decimalForm.MatchString(words[1]) || strings.HasPrefix(words[1], "-") {
		return Point{}, 0, fmt.Errorf("%q is no radius in kilometres", clip(words[1]))
	}
	radius, _ := strconv.ParseFloat(words[1], 64) // the form was checked
	return p, radius, nil
}

func circleFault(text string) string {
	_, _, err := Circle(text)
	return message(err)
}
