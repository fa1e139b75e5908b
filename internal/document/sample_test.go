package document_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/document"
	"tocsin/internal/testdata"
)

// moment is a fixed time in Shanghai, so many minutes after the first.
func moment(minutes int) document.Moment {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	return document.At(time.Date(2026, 3, 14, 9, 26, 53, 0, zone).Add(time.Duration(minutes) * time.Minute))
}

// english is a paper with a block of every kind.
func english() *document.Paper {
	return &document.Paper{
		Title: "Incident report: ransomware at the port authority", Reference: "PA-2026-0117", Version: 2, Status: "Draft",
		Language: document.English, Marking: document.TLPAmberStrict,
		Issuer:    document.Party{Name: "Port Authority, Security Operations", Lines: []string{"soc@port.example", "+49 40 555 0100"}},
		Recipient: document.Party{Name: "National CSIRT"},
		Written:   moment(600),
		Sections: []document.Section{
			{Title: "Summary", Blocks: append(document.Blocks{
				document.Text("Files on 41 servers of the terminal operating system were encrypted. Loading of ships stopped at four of seven berths. " +
					"No personal data is known to have left the network."),
				document.Heading{Text: "What the operator wrote"},
			}, document.Markdown("The note asks for **40 BTC** within *72 hours*, to be paid through `pay.example.onion`.\n\n> All your files are ours.\n\n- isolated:\n  1. berth 1\n  2. berth 4\n- still running: berths 5–7\n\n<script>alert(1)</script>\n")...)},
			{Title: "Facts", Blocks: document.Blocks{document.Fields{Fields: []document.Field{
				{Label: "Systems out of service", Value: "41 servers, 3 cranes"},
				{Label: "People affected", Missing: true},
				{Label: "Direct loss", Value: "EUR 1,200,000", Note: "estimated, between 900,000 and 1,500,000"},
				{Label: "Cross-border effect", Value: "yes: two ferry lines to Sweden"},
			}}}},
			{Title: "Course", Blocks: document.Blocks{document.Timeline{Entries: []document.Entry{
				{At: moment(0), Who: "A. Brandt", Text: "First alert: mass renaming on TOS-DB-02."},
				{At: moment(37), Who: "SOC", Text: "Network of the terminal cut off at the core switch."},
				{At: moment(95), Who: "A. Brandt", Text: "41 servers, not 39, are affected.", Corrects: "entry of 09:58"},
			}}}},
			{Title: "Affected systems", Blocks: document.Blocks{document.Table{
				Caption: "Systems by kind",
				Columns: []document.Column{{Title: "Kind"}, {Title: "Number", Numeric: true}, {Title: "First seen"}, {Title: "Remark"}},
				Rows: [][]document.Cell{
					{{Text: "Database server"}, {Number: "12"}, {Moment: moment(0)}, {Text: "restored from backup"}},
					{{Text: "=HYPERLINK(\"http://evil.example\")"}, {Number: "-29.5"}, {Moment: moment(12)}, {Missing: true}},
				},
			}}},
			{Title: "Measures", Blocks: document.Blocks{
				document.Checklist{Checks: []document.Check{
					{Text: "Backups checked", State: document.Done, Note: "M. Koch"},
					{Text: "Passwords of administrators changed"},
					{Text: "Patients informed", State: document.NotApplicable, Note: "no hospital"},
				}},
				document.Signatures{Signatures: []document.Signature{
					{Role: "Duty officer", Name: "A. Brandt", At: moment(590)},
					{Role: "Commander", Name: "Dr. L. Weiß", Note: "second signature, level I"},
				}},
			}},
			{Title: "Raw log", Appendix: true, Blocks: document.Blocks{document.Preformatted{Text: "Mar 14 09:26:53 tos-db-02 smbd[812]:  rename a.dwg -> a.dwg.locked\nMar 14 09:26:53 tos-db-02 smbd[812]:  rename b.dwg -> b.dwg.locked"}}},
		},
	}
}

// chinese is the same kind of paper in Simplified Chinese.
func chinese() *document.Paper {
	return &document.Paper{
		Title: "网络安全事件报告：港口生产系统遭勒索软件攻击", Reference: "港网安〔2026〕17号", Version: 1, Status: "送审稿",
		Language: document.Chinese, Marking: document.TLPRed,
		Issuer:    document.Party{Name: "滨海港务集团网络安全中心", Lines: []string{"滨海市港湾大道1号"}},
		Recipient: document.Party{Name: "省级网信部门"},
		Written:   moment(600),
		Sections: []document.Section{
			{Title: "事件概述", Blocks: document.Blocks{
				document.Text("三月十四日上午九时二十六分，码头操作系统（TOS）数据库服务器出现大量文件改名，随后四十一台服务器上的文件被加密，七个泊位中有四个停止装卸作业。" +
					"攻击者留下勒索信，要求在72小时内支付40个比特币，并声称“所有文件都在我们手里”。目前没有证据表明个人信息外泄……调查仍在继续。"),
				document.Text("受影响范围、处置进展和后续计划见下文。英文术语如 Domain Controller、https://pay.example.onion/victim/4f2a9c7e 与中文混排。"),
			}},
			{Title: "基本情况", Blocks: document.Blocks{document.Fields{Fields: []document.Field{
				{Label: "停止服务的系统", Value: "服务器41台、岸桥3台"},
				{Label: "受影响人数", Missing: true},
				{Label: "直接经济损失", Value: "人民币9,300,000元", Note: "估算，区间为700万元至1,200万元"},
			}}}},
			{Title: "处置过程", Blocks: document.Blocks{document.Timeline{Entries: []document.Entry{
				{At: moment(0), Who: "值班员 陈静", Text: "首次告警：数据库服务器文件被批量改名。"},
				{At: moment(37), Who: "安全运营中心", Text: "在核心交换机处断开码头网络。"},
				{At: moment(95), Who: "陈静", Text: "受影响服务器为四十一台。", Corrects: "09:58条目"},
			}}}},
			{Title: "受影响系统", Blocks: document.Blocks{document.Table{
				Caption: "按类型统计", Columns: []document.Column{{Title: "类型"}, {Title: "数量", Numeric: true}, {Title: "首次发现"}, {Title: "备注"}},
				Rows: [][]document.Cell{
					{{Text: "数据库服务器"}, {Number: "12"}, {Moment: moment(0)}, {Text: "已从备份恢复，正在核对数据一致性；预计当日二十时前全部恢复。"}},
					{{Text: "操作终端"}, {Number: "29"}, {Moment: moment(12)}, {Missing: true}},
				},
			}}},
			{Title: "处置措施", Blocks: document.Blocks{
				document.Checklist{Checks: []document.Check{{Text: "检查备份", State: document.Done}, {Text: "更换管理员口令"}}},
				document.Signatures{Signatures: []document.Signature{{Role: "值班负责人", Name: "陈静", At: moment(590)}, {Role: "指挥长", Name: "李国强"}}},
			}},
			{Title: "术语", Appendix: true, Blocks: document.Blocks{document.Text("勒索软件：加密受害者文件并索要赎金的恶意程序。")}},
		},
	}
}

// long is a report of some twenty pages: text and a table of 600 rows.
func long() *document.Paper {
	p := english()
	text := strings.Repeat("The attacker moved from the jump host to the terminal's servers with a stolen account of a contractor, which was not protected by a second factor. ", 6)
	var blocks document.Blocks
	for range 24 {
		blocks = append(blocks, document.Text(text))
	}
	table := document.Table{Caption: "Files renamed", Columns: []document.Column{{Title: "No.", Numeric: true}, {Title: "Time"}, {Title: "Host"}, {Title: "File"}}}
	for i := range 600 {
		table.Rows = append(table.Rows, []document.Cell{
			{Number: strconv.Itoa(i + 1)},
			{Moment: moment(i)},
			{Text: fmt.Sprintf("tos-db-%02d", i%12)},
			{Text: fmt.Sprintf(`D:\plans\berth-%d\%x.dwg.locked`, i%7, i*i*7919)},
		})
	}
	p.Sections = append(slices.Clip(p.Sections),
		document.Section{Title: "Analysis", Blocks: blocks}, document.Section{Title: "Files", Appendix: true, Blocks: document.Blocks{table}})
	return p
}

// fonts are this machine's; a machine without them is told what to install.
func fonts(tb testing.TB) *document.Fonts {
	tb.Helper()
	f, err := document.FindFonts()
	if err != nil {
		if os.Getenv(testdata.RequireVariable) != "" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	return f
}
