package cap

// Namespace is the XML namespace of CAP 1.2 (§3.2.1, alert).
const Namespace = "urn:oasis:names:tc:emergency:cap:1.2"

// DefaultLanguage is the language of an Info that states none (§3.2.2, language).
const DefaultLanguage = "en-US"

// The codes of an alert and of an info, as the standard spells them.
type (
	// Status says how a message is to be handled.
	Status string
	// MsgType says what kind of message it is.
	MsgType string
	// Scope says for whom a message is.
	Scope string
	// Category says what kind of event it is about.
	Category string
	// ResponseType says what its audience should do.
	ResponseType string
	// Urgency says how soon.
	Urgency string
	// Severity says how grave.
	Severity string
	// Certainty says how likely.
	Certainty string
)

// The values that we write ourselves; the others are in the tables of codes.
const (
	Actual     Status       = "Actual"
	Exercise   Status       = "Exercise"
	Draft      Status       = "Draft"
	NewAlert   MsgType      = "Alert"
	Update     MsgType      = "Update"
	Cancel     MsgType      = "Cancel"
	ErrorType  MsgType      = "Error"
	Public     Scope        = "Public"
	Restricted Scope        = "Restricted"
	Private    Scope        = "Private"
	Security   Category     = "Security"
	Infra      Category     = "Infra"
	OtherKind  Category     = "Other"
	Prepare    ResponseType = "Prepare"
	Execute    ResponseType = "Execute"
	Monitor    ResponseType = "Monitor"
	AllClear   ResponseType = "AllClear"
	Immediate  Urgency      = "Immediate"
	Expected   Urgency      = "Expected"
	Future     Urgency      = "Future"
	Past       Urgency      = "Past"
	Extreme    Severity     = "Extreme"
	Severe     Severity     = "Severe"
	Moderate   Severity     = "Moderate"
	Minor      Severity     = "Minor"
	Observed   Certainty    = "Observed"
	Likely     Certainty    = "Likely"
	Possible   Certainty    = "Possible"
)

// Alert is one message (§3.2.1). An empty text means that the element is absent.
type Alert struct {
	Identifier  string
	Sender      string
	Sent        DateTime
	Status      Status
	MsgType     MsgType
	Source      string
	Scope       Scope
	Restriction string // for whom, when Scope is Restricted
	Addresses   string // a list, see Join and Split
	Codes       []string
	Note        string
	References  string // earlier messages, see References
	Incidents   string // a list, see Join and Split
	Infos       []Info
}

// Info is what is said of an event, in one language (§3.2.2).
type Info struct {
	Language      string // RFC 3066; empty means DefaultLanguage
	Categories    []Category
	Event         string
	ResponseTypes []ResponseType
	Urgency       Urgency
	Severity      Severity
	Certainty     Certainty
	Audience      string
	EventCodes    []Pair
	Effective     DateTime // empty means the alert's Sent
	Onset         DateTime
	Expires       DateTime
	SenderName    string
	Headline      string
	Description   string
	Instruction   string
	Web           string // an absolute URI
	Contact       string
	Parameters    []Pair
	Resources     []Resource
	Areas         []Area
}

// Pair is a value of a kind that the sender names.
type Pair struct{ Name, Value string }

// Resource is a file that belongs to an Info (§3.2.3).
type Resource struct {
	Description string
	MIMEType    string
	Size        string // bytes, approximately
	URI         string
	DerefURI    string // the content itself, base64, see Content
	Digest      string // SHA-1 of the content, 40 hexadecimal digits
}

// Area is where (§3.2.4).
type Area struct {
	Description string
	Polygons    []string // "38.47,-120.14 38.34,-119.95 …", at least four points, closed
	Circles     []string // "32.9525,-115.5527 10": centre, radius in kilometres
	Geocodes    []Pair
	Altitude    string // feet above mean sea level
	Ceiling     string // feet, with Altitude only
}
