package report

import (
	"math"
	"strconv"
	"strings"

	"tocsin/internal/document"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// both is one of our own texts, in both languages.
func both(en, zh string) fact.Title { return fact.Title{EN: en, ZH: zh} }

// in chooses a text's language as packs do.
func in(t fact.Title, l document.Language) string {
	if l == document.Chinese {
		return t.In("zh")
	}
	return t.EN
}

// in returns the words in a language.
func (w Words) in(l document.Language) string {
	if w.Said != "" {
		return w.Said
	}
	return in(w.Text, l)
}

func said(text string) Words      { return Words{Said: text} }
func ours(en, zh string) Words    { return Words{Text: both(en, zh)} }
func titled(t fact.Title) Words   { return Words{Text: t} }
func same(text string) fact.Title { return fact.Title{EN: text, ZH: text} }

// joinTitles joins texts with what separates them in each language. One without
// Chinese stands in English in the Chinese text.
func joinTitles(en, zh string, all ...fact.Title) fact.Title {
	var e, z []string
	for _, t := range all {
		if t == (fact.Title{}) {
			continue
		}
		e, z = append(e, t.EN), append(z, t.In("zh"))
	}
	return fact.Title{EN: strings.Join(e, en), ZH: strings.Join(z, zh)}
}

// list joins texts as a list.
func list(all ...fact.Title) fact.Title { return joinTitles(", ", "、", all...) }

// kindTitles are the kinds of report.
func kindTitle(k regime.Kind) fact.Title {
	switch k {
	case regime.Voluntary:
		return both("Voluntary notice", "自愿报告")
	case regime.NearMiss:
		return both("Report of a near miss", "未遂事件报告")
	case regime.Threat:
		return both("Report of a threat", "威胁报告")
	}
	return both("Incident report", "事件报告")
}

func needTitle(need string) fact.Title {
	switch need {
	case "now":
		return both("now", "须立即填报")
	case "later":
		return both("may follow", "可后续补报")
	}
	return both("if known", "已知时填报")
}

func statusTitle(s Status) fact.Title {
	switch s {
	case Signed, Submitted: // an export is the same before and after it is sent
		return both("Signed", "已签署")
	case Reviewed:
		return both("Reviewed, not signed", "已审核，未签署")
	case Returned:
		return both("Returned by a reviewer", "审核退回")
	}
	return both("Draft", "草稿")
}

// units in which facts are counted, as people write them.
func unitTitle(unit string) fact.Title {
	switch unit {
	case "min":
		return both("min", "分钟")
	case "s":
		return both("s", "秒")
	case "persons":
		return both("persons", "人")
	case "clients":
		return both("clients", "个客户")
	case "transactions":
		return both("transactions", "笔交易")
	case "times":
		return both("times", "次")
	case "level":
		return both("level", "级")
	case "%":
		return same("%")
	}
	return fact.Title{EN: unit}
}

// number writes a number without an exponent and with blanks between thousands.
func number(x float64) string {
	whole, rest, _ := strings.Cut(strconv.FormatFloat(x, 'f', -1, 64), ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + " " + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// between writes a range.
func between(low, high float64) fact.Title {
	switch {
	case low == high:
		return same(number(low))
	case math.IsInf(high, 1):
		return both(number(low)+" or more", number(low)+"以上")
	}
	return both(number(low)+" to "+number(high), number(low)+"至"+number(high))
}

// spoken says minutes in hours and days beside, where that is easier to read.
func spoken(low, high float64) fact.Title {
	if low != high || low < 120 || low != math.Trunc(low) {
		return fact.Title{}
	}
	m := int64(low)
	var e, z []string
	for _, part := range []struct {
		n      int64
		en, zh string
	}{{m / 1440, " d", "天"}, {m % 1440 / 60, " h", "小时"}, {m % 60, " min", "分钟"}} {
		if part.n > 0 {
			e, z = append(e, strconv.FormatInt(part.n, 10)+part.en), append(z, strconv.FormatInt(part.n, 10)+part.zh)
		}
	}
	return both(" ("+strings.Join(e, " ")+")", "（"+strings.Join(z, "")+"）")
}
