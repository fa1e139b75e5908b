// Package accesslog reads what web servers log of each request: the common
// and combined formats of Apache and nginx (mod_log_config, "Access Log"; nginx
// ngx_http_log_module, "combined"), also with the virtual host in front and
// with further values at the end, and the W3C Extended Log File Format
// (W3C WD-logfile-960323) that IIS writes.
//
// Fields are named as Sigma's taxonomy names those of a web server, which are
// W3C's names: c-ip, cs-username, cs-method, cs-uri, cs-uri-stem,
// cs-uri-query, cs-version, sc-status, sc-bytes, cs-referer, cs-user-agent,
// cs-host. In Apache's format there are further
//
//	timestamp  as written between the brackets; Time reads it
//	request    the request line, where it is no HTTP request
//	extra      each value after the user agent
//
// A "-" stands for nothing: the field is absent. Escapes of the log are
// resolved, those of the URI (%2e) are not, for rules are written so.
//
// A W3C log has a header, which W3CParser follows through the stream; a
// W3CDecoder reads lines under one header. In it cs(User-Agent) is named
// cs-user-agent, and cs-uri is put together when the log has only its parts.
package accesslog
