package evtx

import "fmt"

// Reason says what is wrong with a part of a log.
type Reason uint8

// The reasons.
const (
	fine           Reason = iota // nothing is wrong
	FileHeader                   // the file header is missing or damaged; chunks are found all the same
	Gap                          // bytes between chunks that are no chunk
	ChunkHeader                  // the chunk header cannot be right; its records are searched
	HeaderChecksum               // the chunk header's checksum is wrong; it is used all the same
	DataChecksum                 // the checksum of the chunk's records is wrong; they are read all the same
	Truncated                    // the chunk ends before its records do
	RecordHeader                 // no record where one should begin; the next one is searched
	Template                     // a record's template definition cannot be read; the record is lost
	Content                      // a record's content cannot be read; the record is lost
	TooLarge                     // a record would cost more than the limits allow; it is lost
	Value                        // a value does not fit its type; the record is read without it
	reasons

	// notCompiled is the fast path's word for a shape that it leaves to the tree.
	notCompiled Reason = 0xff
)

var reasonTexts = [reasons]string{
	"nothing", "damaged file header", "bytes that are no chunk", "damaged chunk header", "wrong checksum of the chunk header",
	"wrong checksum of the chunk's records", "truncated chunk", "damaged record header",
	"unreadable template definition", "unreadable record content", "record too large when expanded",
	"value that does not fit its type",
}

func (r Reason) String() string {
	if r < reasons {
		return reasonTexts[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Lost reports whether records were lost for this reason: at least one, or an
// unknown number.
func (r Reason) Lost() bool {
	switch r {
	case Gap, Truncated, RecordHeader, Template, Content, TooLarge:
		return true
	default:
		return false
	}
}

// Problem is one damaged part of a log. It is no error: reading goes on.
type Problem struct {
	Reason Reason
	Offset int64  // where it is, in bytes from the start of the log
	Record uint64 // the number of the record concerned, 0 when none is
}

func (p Problem) String() string {
	if p.Record != 0 {
		return fmt.Sprintf("record %d at offset %d: %s", p.Record, p.Offset, p.Reason)
	}
	return fmt.Sprintf("offset %d: %s", p.Offset, p.Reason)
}
