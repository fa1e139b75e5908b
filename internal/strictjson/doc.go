// Package strictjson reads JSON that programs send and that a node must not
// misunderstand: an unknown name, a name given twice, a value of another type,
// text that is not UTF-8, a second value, and nesting beyond a bound are errors,
// and every error says where in the value it is (RFC 6901).
//
// It knows nothing of what is read. Who reads checks the meaning afterwards.
package strictjson
