package store

// TableDef is one table of the store: every key that begins with its prefix. This page shows them all; no key
// is written whose prefix is not declared here.
type TableDef struct {
	Prefix  string // ends in a slash
	Owner   string // the package whose records these are
	Lives   string // for how long, in words
	Version int    // the newest record version, from 1
	Sealed  bool   // whether its records are encrypted; only Meta's are not
}

// The tables. Addresses, names, garages and dates that stand in keys are in clear: see the threat model.
var (
	Users             = TableDef{"user/", "authn", "for ever", 1, true}
	Summaries         = TableDef{"summary/", "authn", "with the user", 1, true}
	Addresses         = TableDef{"address/", "authn", "with the user", 1, true}
	Placeholders      = TableDef{"shadow/", "authn", "with the user", 1, true}
	Names             = TableDef{"name/", "authn", "with the user", 1, true}
	Members           = TableDef{"member/", "authn", "with the user", 1, true}
	Uniques           = TableDef{"unique/", "authn", "with the user", 1, true}
	Groups            = TableDef{"group/", "authn", "for ever", 1, true}
	Transactions      = TableDef{"transaction/", "authn", "10 minutes", 1, true}
	Links             = TableDef{"link/", "authn", "24 hours", 1, true}
	Sessions          = TableDef{"session/", "authn", "hours", 1, true}
	Browsers          = TableDef{"browser/", "authn", "180 days", 1, true}
	Forwards          = TableDef{"forward/", "authn", "hours", 1, true}
	Failures          = TableDef{"failures/", "internal/throttle", "24 hours of quiet", 1, true}
	Throttles         = TableDef{"throttle/", "internal/throttle", "until full again", 1, true}
	HelpRequests      = TableDef{"helprequest/", "authn/helpdesk", "policy", 1, true}
	Approvals         = TableDef{"approval/", "authn/helpdesk", "24 hours", 1, true}
	Clients           = TableDef{"client/", "oidc", "for ever", 1, true}
	Codes             = TableDef{"code/", "oidc", "60 seconds", 1, true}
	Refreshes         = TableDef{"refresh/", "oidc", "until its absolute end", 1, true}
	Accesses          = TableDef{"access/", "oidc", "minutes", 1, true}
	Asked             = TableDef{"asked/", "oidc", "10 minutes", 1, true}
	Grants            = TableDef{"grant/", "oidc", "until the last of its tokens is over", 1, true}
	Consents          = TableDef{"consent/", "oidc", "with the person and the application", 1, true}
	UserCodes         = TableDef{"usercode/", "oidc", "10 minutes", 1, true}
	Logouts           = TableDef{"logout/", "oidc", "until delivered, a day at most; as a dead letter 30 days", 1, true}
	SignKeys          = TableDef{"signkey/", "oidc", "until no token signed by it is good", 1, true}
	Tokens            = TableDef{"token/", "authn", "until revoked", 1, true}
	Idempotency       = TableDef{"idempotency/", "web/api", "24 hours", 1, true}
	Outbox            = TableDef{"outbox/", "internal/mail", "until sent", 1, true}
	Webhooks          = TableDef{"webhook/", "internal/webhook", "for ever", 1, true}
	WebhookDeliveries = TableDef{"webhookdelivery/", "internal/webhook", "until taken; given up, 30 days", 1, true}
	Audit             = TableDef{"audit/", "internal/audit", "policy, append only", 1, true}
	Meta              = TableDef{"meta/", "store", "for ever", 1, false}
)

// TableDefs lists every table, in the order above.
func TableDefs() []TableDef {
	return []TableDef{
		Users, Summaries, Addresses, Placeholders, Names, Members, Uniques, Groups, Transactions, Links, Sessions, Browsers,
		Forwards, Failures, Throttles, HelpRequests, Approvals, Clients, Codes, Refreshes, Accesses, Asked, Grants,
		Consents, UserCodes, Logouts, SignKeys, Tokens, Idempotency, Outbox, Webhooks, WebhookDeliveries, Audit, Meta,
	}
}
