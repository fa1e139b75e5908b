// Package flatjson decodes JSON into flat records at the speed at which it can
// be scanned: every scalar becomes a field named by the dotted path to it.
//
//   - An object's members are joined to its path with a dot.
//   - An array's elements carry the array's own path, so that a list is a field
//     that stands several times.
//   - A list of pairs ({"Name": "TargetUserName", "Value": "root"}, as event
//     logs and audit services write them) is given as members too: path +
//     ".TargetUserName" = "root".
//   - null, an empty object and an empty array are a field of Kind Null.
//   - Strings are unescaped; numbers stay as written.
//
// What is tolerated beyond RFC 8259, because loggers write it: control
// characters and invalid UTF-8 inside strings (kept as they are), and unpaired
// surrogates (U+FFFD). Everything else that is not JSON is refused with its
// position.
//
// A steady stream is decoded without allocating: paths are remembered, and the
// next key is guessed from what followed last time.
package flatjson
