package printout

import "tocsin/internal/document"

// words are what the paper says in one language.
type words struct {
	title, people, peopleNote, duties, gaps, clocks, cases, none string
	name, roleTitle, phone, mail, from, until, post              string
	due, what, to, number, state, level, lead, opened            string
	atOnce                                                       string
	roles, states                                                map[string]string
}

// stateOf is a state of a clock or case as people call it.
func (w words) stateOf(state string) string {
	if name, ok := w.states[state]; ok {
		return name
	}
	return state
}

// role is a role as people call it.
func (w words) role(role string) string {
	if name, ok := w.roles[role]; ok {
		return name
	}
	return role
}

func wordsOf(language document.Language) words {
	if language == document.Chinese {
		return words{
			title: "应急联络与值班表", people: "联系电话", peopleNote: "网络中断时请按本表电话联络。本表每日更新，以打印时间为准。",
			duties: "值班安排", gaps: "无人值班的时段", clocks: "正在计时的报告期限", cases: "未结案的事件", none: "无",
			name: "姓名", roleTitle: "角色", phone: "电话", mail: "邮箱", from: "开始", until: "结束", post: "岗位",
			due: "期限", what: "事项", to: "报送对象", number: "编号", state: "状态", level: "级别", lead: "负责人", opened: "立案时间", atOnce: "立即",
			states: map[string]string{
				"provisional": "暂定", "running": "计时中", "waiting": "未开始", "missed": "已超期", "suspended": "已暂停", "met": "已完成",
				"reported": "已报告", "graded": "已定级", "responding": "处置中", "contained": "已遏制", "recovered": "已恢复",
			},
			roles: map[string]string{
				"viewer": "查看员", "analyst": "分析员", "duty-officer": "值班员", "commander": "指挥长", "administrator": "管理员",
			},
		}
	}
	return words{
		title: "Whom to call, and who is on duty", people: "Telephone numbers",
		peopleNote: "For when the network is down. This paper is made anew every day: look at when it was written.",
		duties:     "Duties", gaps: "Nobody is on duty", clocks: "Clocks that run", cases: "Open cases", none: "None.",
		name: "Name", roleTitle: "Role", phone: "Phone", mail: "Mail", from: "From", until: "Until", post: "Post",
		due: "Due", what: "What", to: "To", number: "Case", state: "State", level: "Level", lead: "Lead", opened: "Opened", atOnce: "at once",
		roles: map[string]string{"duty-officer": "duty officer"},
	}
}
