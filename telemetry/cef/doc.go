// Package cef reads ArcSight's Common Event Format ("Implementing ArcSight
// Common Event Format (CEF)", version 26), one event to a line:
//
//	CEF:0|Vendor|Product|Version|100|Port scan|7|src=192.0.2.1 msg=three ports
//
// The header's fields are named as the format names them: Version,
// DeviceVendor, DeviceProduct, DeviceVersion, DeviceEventClassID, Name and
// Severity. Those of the extension keep their keys ("src", "act"). A custom
// field that has a label stands under its key and under the label too:
// "cs1=deny cs1Label=Rule" gives cs1, cs1Label and Rule.
//
// A syslog header in front is for the caller to take off.
package cef
