// Package notify tells people and machines, by mail and by webhook, and keeps
// trying until it is done or somebody has been told that it is not.
//
// Its words: a message is what is to be told. It is posted in the transaction of
// what it follows from, so that neither is without the other. An address is whom
// it is for: a mail address, an account, a role, whoever is on duty; it is
// resolved into recipients when the message is sent, not when it is posted. A
// webhook is a URL that is told of events of its kinds. A delivery is one way of
// one message to one recipient: a row, and a timer of internal/timer whose act is
// the sending. One that fails is tried again, later and later; one that failed for
// good is a dead letter, which is listed, tried again or discarded.
//
// What is sent may be sent again when the process dies before that is written
// down, with the same ID: mail by its Message-ID, webhooks by webhook-id. Nothing
// posted is lost.
//
// Mail is plain text, and HTML beside it when given. It goes to one server, by
// SMTP with STARTTLS or TLS. Webhooks follow the Standard Webhooks convention
// (standardwebhooks.com, version 1): JSON, signed with HMAC-SHA256.
//
// It does not know what an event is, nor who is on duty: that is asked of a
// function. Passwords and secrets stand in files, are read when they are needed
// and never in a log, an error or the audit trail; of a URL no more is shown than
// scheme and host, since paths can be secrets.
package notify
