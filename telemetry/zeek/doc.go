// Package zeek reads the logs that Zeek writes in its own tab-separated form
// (Zeek's ASCII writer, "Log files" and "base/frameworks/logging/writers/ascii"
// in Zeek's documentation).
//
// Such a log says in lines that begin with '#', directives, how the lines
// after them are to be read: which byte separates values, what stands for a
// value that is empty or not set, and the names and types of the fields. A
// stream may hold several logs one after the other, each with directives of
// its own. A HeaderParser follows them; a Decoder reads lines under one Header.
//
//	var parser zeek.HeaderParser
//	decoder := zeek.NewDecoder(names)
//	for _, line := range lines {
//		if zeek.IsDirective(line) {
//			err = parser.Directive(line)
//			continue
//		}
//		decoder.Use(parser.Header())
//		err = decoder.Decode(line, record)
//	}
//
// A field keeps the name that Zeek gave it ("id.orig_h"). A value that is not
// set is absent, an empty one is an empty string, a set or vector is a field
// of the same name for each element, and none when there is no element. Times
// stay seconds since 1970 as written. Logs that Zeek writes as JSON are not
// read here.
package zeek
