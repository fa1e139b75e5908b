package archive

import (
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding"
)

// The columns of a segment that are not named by an event's fields begin with
// ownPrefix; a field whose name does too is kept in columnRest.
const (
	ownPrefix = "tocsin."

	columnTime     = ownPrefix + "time"     // when it happened, in microseconds; null when the event does not say
	columnNanos    = ownPrefix + "nanos"    // what is left of the time; absent where none has any
	columnHost     = ownPrefix + "host"     // null when the event does not say
	columnSource   = ownPrefix + "source"   // the file or stream it came from
	columnFormat   = ownPrefix + "format"   // how that is written
	columnNumber   = ownPrefix + "number"   // the record's number in it
	columnOffset   = ownPrefix + "offset"   // where it begins in it, in bytes
	columnProduct  = ownPrefix + "product"  // its log source, in Sigma's words
	columnService  = ownPrefix + "service"  //
	columnCategory = ownPrefix + "category" // by commas
	columnClass    = ownPrefix + "class"    // the key of its class
	columnFields   = ownPrefix + "fields"   // its shape
	columnRest     = ownPrefix + "rest"     // the fields that have no column, or stand in the event again
	columnRaw      = ownPrefix + "raw"      // the values that are not UTF-8
)

// Paths of the columns within lists (Parquet's LogicalTypes, "Lists").
var (
	pathRestName  = []string{columnRest, "list", "element", "name"}
	pathRestValue = []string{columnRest, "list", "element", "value"}
	pathRaw       = []string{columnRaw, "list", "element"}
)

// newSchema returns the schema of a segment with those columns for fields.
func newSchema(columns []fieldColumn, withNanos bool) *parquet.Schema {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	optional := parquet.Optional(text)
	whole := parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	group := parquet.Group{
		columnTime:     parquet.Optional(parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)),
		columnHost:     optional,
		columnSource:   text,
		columnFormat:   text,
		columnNumber:   whole,
		columnOffset:   whole,
		columnProduct:  optional,
		columnService:  optional,
		columnCategory: optional,
		columnClass:    text,
		columnFields:   text,
		columnRest: parquet.List(parquet.Group{
			"name":  text,
			"value": parquet.Encoded(parquet.String(), &parquet.Plain),
		}),
		columnRaw: parquet.List(parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.Plain)),
	}
	if withNanos {
		group[columnNanos] = parquet.Encoded(parquet.Int(32), &parquet.RLEDictionary)
	}
	for _, c := range columns {
		group[c.text] = parquet.Optional(c.node())
	}
	return parquet.NewSchema("event", group)
}

func (c fieldColumn) node() parquet.Node {
	switch c.columnType {
	case integer:
		return parquet.Encoded(parquet.Int(64), c.encoding())
	default:
		return parquet.Encoded(parquet.String(), c.encoding())
	}
}

func (c fieldColumn) encoding() encoding.Encoding {
	switch c.columnType {
	case integer:
		return &parquet.DeltaBinaryPacked
	case various:
		return &parquet.Plain
	default:
		return &parquet.RLEDictionary
	}
}

const (
	// pageSize is how much of a column is compressed at once: more finds more
	// that repeats, and one page is what a reader must hold.
	pageSize = 1 << 20
	// dictionaryLimit is how much text of one column of a row group is stored
	// once for each value; what comes after is stored as it comes.
	dictionaryLimit = 8 << 20
)

// newCodec returns what compresses pages. It keeps its encoders, which take some
// megabytes each, from segment to segment.
func newCodec() *zstd.Codec { return &zstd.Codec{Level: zstd.SpeedBetterCompression} }

func writerOptions(schema *parquet.Schema, codec *zstd.Codec) []parquet.WriterOption {
	return []parquet.WriterOption{
		schema,
		parquet.Compression(codec),
		parquet.PageBufferSize(pageSize),
		parquet.DictionaryMaxBytes(dictionaryLimit),
		parquet.DataPageStatistics(true),
		parquet.CreatedBy("tocsin", "1", ""),
	}
}
