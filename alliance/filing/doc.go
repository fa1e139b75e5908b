// Package filing hands the reports that a law demands to those who must have them,
// over the links of an alliance or as files, and takes them in on the other side.
//
// Its words: a filing is one version of a report on its way to one recipient. The
// recipient's node gives it a number of its own and answers with a receipt, signed,
// which is what meets the clock here. An inquiry asks the reporter for more, a
// reply answers it; guidance goes to those who reported one case. An address says
// which node a regime's recipient has.
//
// A filing is sent once: the same version to the same recipient again is the same
// filing. What arrives is recorded, numbered, entered in the hub's log and
// confirmed in one transaction, so there is no receipt without a record nor the
// reverse. It makes no difference whether the envelope came over a link or in a
// file.
//
// It never signs a report, reads a case or opens one by itself: people sign
// (plan/report), and what becomes of a report that came in is decided by the
// functions it is given.
package filing
