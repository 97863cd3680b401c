package helpdesk

// What the one judgement of an operator's act is asked about.
const (
	ActSee    = actSee
	ActInvite = actInvite
	ActReset  = actReset
	ActManage = actManage
)

var (
	May   = may
	Reach = reach
	Clean = clean
)
