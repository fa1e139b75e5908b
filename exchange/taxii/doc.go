// Package taxii is TAXII 2.1 (OASIS, "TAXII Version 2.1", 10 June 2021): a server
// and a client.
//
// Its words are the standard's: an API root has collections, a collection holds
// versions of objects, each with the moment it was added. Objects are bytes here,
// of which id, type, version and spec_version are read, so that what came in goes
// out unchanged.
//
// The Server is an http.Handler over a View, which is what one client may see and
// do: whoever authenticates a request hands the view, and what the view does not
// show appears nowhere, not in counts, headers or "more". Pages are cut by the
// moment of adding, which no two objects of a collection share, so that paging by
// "next" and by added_after misses nothing that stayed, while objects arrive and go.
//
// The Client asks one server, page by page, and says after each where it is, so that
// a pull resumes there. It waits as it is told (Retry-After), follows no redirect to
// elsewhere, and ends when a server pages without end.
//
// The package keeps nothing, imports no room, and checks of objects only what it needs
// to keep them apart; validation is exchange/stix's.
package taxii
