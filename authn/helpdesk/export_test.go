package helpdesk

// What the one judgement of an operator's act is asked about.
const (
	ActSee    = PermRead
	ActInvite = PermInvite
	ActReset  = PermReset
	ActManage = PermManage
)

var (
	May   = Authorize
	Reach = reach
	Clean = Sanitize
)
