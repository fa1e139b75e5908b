// Package output shows what a watch found: as a table on a terminal, as JSON
// lines or CSV for other programs, and as one self-contained HTML page.
//
// An Overview gathers findings by rule, host, technique and time in bounded
// memory, whatever their number; the table, the summary and the report are
// views of it. JSONL and CSV write each finding as it comes.
//
// Telemetry is hostile text. Nothing here passes a control character, a
// terminal escape or a direction override on to a terminal, a formula on to a
// spreadsheet, or markup on to a page.
package output
