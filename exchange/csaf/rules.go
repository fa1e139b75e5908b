package csaf

// scope says which versions of the standard have a test.
type scope uint8

const (
	both scope = iota
	only20
	only21
)

// rule is one test. Those of the schema of CVSS (6.1.8), of SSVC (6.1.46) and of
// extensions (6.1.60.1) are asked with the tables, in conform.go, those of the network
// (6.3.6, 6.3.7) in informative.go.
type rule struct {
	id    string
	in    scope
	check func(*checker)
}

var rules = [...]rule{
	{"6.1.1", both, missingProduct},
	{"6.1.2", both, repeatedProduct},
	{"6.1.3", both, circularProduct},
	{"6.1.4", both, missingGroup},
	{"6.1.5", both, repeatedGroup},
	{"6.1.6", both, contradictingStatus},
	{"6.1.7", both, repeatedScore},
	{"6.1.9", both, wrongScore},
	{"6.1.10", both, inconsistentCVSS},
	{"6.1.11", both, unknownWeakness},
	{"6.1.12", both, unknownLanguage},
	{"6.1.13", both, wrongPURL},
	{"6.1.14", both, unsortedHistory},
	{"6.1.15", both, missingSourceLanguage},
	{"6.1.16", both, otherVersion},
	{"6.1.17", both, unreleasedVersion},
	{"6.1.18", both, unreleasedRevision},
	{"6.1.19", both, preReleaseRevision},
	{"6.1.20", both, preReleaseVersion},
	{"6.1.21", both, missingRevision},
	{"6.1.22", both, repeatedRevision},
	{"6.1.23", both, repeatedCVE},
	{"6.1.24", both, repeatedInvolvement},
	{"6.1.25", both, repeatedHash},
	{"6.1.26", both, prohibitedCategory},
	{"6.1.27.1", both, profileNotes},
	{"6.1.27.2", both, profileReferences},
	{"6.1.27.3", both, profileNoVulnerabilities},
	{"6.1.27.4", both, profileTree},
	{"6.1.27.5", both, profileVulnerabilityNotes},
	{"6.1.27.6", both, profileStatus},
	{"6.1.27.7", both, profileVEXStatus},
	{"6.1.27.8", both, profileID},
	{"6.1.27.9", both, profileImpact},
	{"6.1.27.10", both, profileAction},
	{"6.1.27.11", both, profileVulnerabilities},
	{"6.1.28", both, translatedIntoItself},
	{"6.1.29", both, remediationWithoutProduct},
	{"6.1.30", both, mixedVersions},
	{"6.1.31", both, rangeAsVersion},
	{"6.1.32", both, flagWithoutProduct},
	{"6.1.33", both, severalJustifications},

	{"6.2.1", both, unusedProduct},
	{"6.2.2", both, missingRemediation},
	{"6.2.3", both, missingScore},
	{"6.2.4", both, buildInHistory},
	{"6.2.5", both, olderInitialRelease},
	{"6.2.6", both, olderCurrentRelease},
	{"6.2.7", both, undatedInvolvement},
	{"6.2.8", both, onlyMD5},
	{"6.2.9", both, onlySHA1},
	{"6.2.10", only20, missingTLP},
	{"6.2.11", both, missingCanonical},
	{"6.2.12", both, missingLanguage},
	{"6.2.13", both, unsortedNames},
	{"6.2.14", both, privateLanguage},
	{"6.2.15", both, defaultLanguage},
	{"6.2.16", both, missingHelper},
	{"6.2.17", both, cveAsID},
	{"6.2.18", both, rangeWithoutVERS},
	{"6.2.19", both, scoreOfFixed},
	{"6.2.20", both, additionalNames},

	{"6.3.1", both, onlyCVSS2},
	{"6.3.2", both, oldCVSS3},
	{"6.3.3", both, missingCVE},
	{"6.3.4", both, missingCWE},
	{"6.3.5", both, shortHash},
	{"6.3.9", both, branchCategories},
	{"6.3.10", both, rangeUsed},
	{"6.3.11", both, versionWithV},
}
