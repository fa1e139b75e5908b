package evtx

// Limits that keep hostile input from costing more memory or time than its size
// warrants. Real chunks stay below a tenth of each.
const (
	// maxDepth is how deep elements nest in one stream. Real events nest about
	// five deep.
	maxDepth = 256
	// maxNesting is how deep templates and fragments lie in each other's values.
	// Real events have two levels.
	maxNesting = 16
	// maxValues bounds the values of one template instance. The largest real
	// ones have some hundred.
	maxValues = 4096
	// maxTemplate bounds a definition with its names written out, which can
	// stand for far more bytes than it has itself.
	maxTemplate = 256 << 10
	// maxPath bounds a field's path, and so what one name can take in the table
	// of names.
	maxPath = 1024
	// maxFields bounds the fields of one record.
	maxFields = 1 << 16
	// maxRecordText and maxChunkText bound the text built for one record, and by
	// the tree path for all records of one chunk.
	maxRecordText = 4 << 20
	maxChunkText  = 16 << 20
	// maxRecordNodes and maxChunkNodes bound the nodes that the tree path makes
	// for one record, and for all records of one chunk.
	maxRecordNodes = 1 << 16
	maxChunkNodes  = 1 << 20
	// maxCache bounds the definitions, and the shapes, that a Decoder remembers, in
	// bytes of their identity. All of a Windows machine's logs use some 2 MiB.
	maxCache = 8 << 20
	// maxContexts bounds the places that one definition is compiled for.
	maxContexts = 8
)
