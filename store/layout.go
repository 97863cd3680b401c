package store

// TableDef is a table of the store: all keys that begin with its prefix. This file declares every prefix that is written.
type TableDef struct {
	Prefix  string // ends with a slash
	Owner   string // the package that owns the records
	Lives   string // how long a record is kept
	Version int    // the newest version of a record, from 1
	Sealed  bool   // the records are encrypted; only those of Meta are not
	// Lost means that Get treats a record that cannot be read as a missing one: without it, access ends, a limit begins again or
	// a request is repeated. It is false if a missing record would allow more, such as a second user with one address.
	Lost bool
}

// The tables. Keys are not encrypted: addresses, names, group ids and dates in them are in clear (docs/threat-model.md).
var (
	Users             = TableDef{"user/", "authn/account", "permanent", 1, true, false}
	Summaries         = TableDef{"summary/", "authn/account", "as long as the user", 1, true, false}
	Addresses         = TableDef{"address/", "authn/account", "as long as the user", 1, true, false}
	Placeholders      = TableDef{"placeholder/", "authn/account", "as long as the user", 1, true, false}
	Names             = TableDef{"name/", "authn/account", "as long as the user", 1, true, false}
	Members           = TableDef{"member/", "authn/account", "as long as the user", 1, true, false}
	Uniques           = TableDef{"unique/", "authn/account", "as long as the user", 1, true, false}
	Groups            = TableDef{"group/", "authn/account", "permanent", 1, true, true}
	GroupNames        = TableDef{"groupname/", "authn/account", "as long as the group", 1, true, false}
	Transactions      = TableDef{"transaction/", "authn", "10 minutes", 1, true, true}
	Links             = TableDef{"link/", "authn/account", "24 hours", 1, true, true}
	Sessions          = TableDef{"session/", "authn/account", "hours", 1, true, true}
	Browsers          = TableDef{"browser/", "authn/session", "180 days", 1, true, true}
	Forwards          = TableDef{"forward/", "authn/session", "hours", 1, true, true}
	Failures          = TableDef{"failures/", "internal/throttle", "24 hours after the last failure", 1, true, true}
	Throttles         = TableDef{"throttle/", "internal/throttle", "until the limit is unused again", 1, true, true}
	HelpRequests      = TableDef{"helprequest/", "authn/helpdesk", "as configured", 1, true, true}
	Approvals         = TableDef{"approval/", "authn/helpdesk", "24 hours", 1, true, true}
	Clients           = TableDef{"client/", "oidc/client", "permanent", 1, true, false}
	Assertions        = TableDef{"assertion/", "oidc/client", "10 minutes", 1, true, false}
	Codes             = TableDef{"code/", "oidc/token", "60 seconds", 1, true, true}
	Refreshes         = TableDef{"refresh/", "oidc/token", "until its absolute expiry", 1, true, true}
	Accesses          = TableDef{"access/", "oidc/token", "minutes", 1, true, true}
	AuthRequests      = TableDef{"authrequest/", "oidc", "3 hours", 1, true, true}
	Grants            = TableDef{"grant/", "oidc/token", "until its last token expires", 1, true, false}
	Consents          = TableDef{"consent/", "oidc/token", "as long as the user and the client", 1, true, true}
	UserCodes         = TableDef{"usercode/", "oidc", "10 minutes", 1, true, true}
	Logouts           = TableDef{"logout/", "oidc/token", "until delivered, at most a day; 30 days as a dead letter", 1, true, true}
	SignKeys          = TableDef{"signkey/", "oidc/keys", "until the last token that it signed expires", 1, true, false}
	Tokens            = TableDef{"token/", "authn/admin", "until revoked", 1, true, false}
	Idempotency       = TableDef{"idempotency/", "web/api", "24 hours", 1, true, false}
	Outbox            = TableDef{"outbox/", "internal/mail", "until sent", 1, true, true}
	Webhooks          = TableDef{"webhook/", "internal/webhook", "permanent", 1, true, false}
	WebhookDeliveries = TableDef{"webhookdelivery/", "internal/webhook", "until delivered; 30 days as a dead letter", 1, true, true}
	Audit             = TableDef{"audit/", "internal/audit", "as configured, append only", 1, true, false}
	AuditSubjects     = TableDef{"auditsubject/", "internal/audit", "as long as the event", 1, true, true}
	Erasures          = TableDef{"erasure/", "authn/account", "from the deletion of a user until the log has no name of them, as configured", 1, true, false}
	AuditPending      = TableDef{"auditpending/", "internal/audit", "until the leaf has a number, seconds", 1, true, false}
	AuditLeaves       = TableDef{"auditleaf/", "internal/audit", "permanent", 1, true, false}
	AuditTiles        = TableDef{"audittile/", "internal/audit/tree", "permanent", 1, true, false}
	AuditHeads        = TableDef{"audithead/", "internal/audit/tree", "permanent, one a day", 1, true, false}
	Meta              = TableDef{"meta/", "store", "permanent", 1, false, false}
)

// TableDefs returns every table, in the order above.
func TableDefs() []TableDef {
	return []TableDef{
		Users, Summaries, Addresses, Placeholders, Names, Members, Uniques, Groups, GroupNames, Transactions, Links, Sessions, Browsers,
		Forwards, Failures, Throttles, HelpRequests, Approvals, Clients, Assertions, Codes, Refreshes, Accesses, AuthRequests, Grants,
		Consents, UserCodes, Logouts, SignKeys, Tokens, Idempotency, Outbox, Webhooks, WebhookDeliveries, Audit,
		AuditSubjects, Erasures, AuditPending, AuditLeaves, AuditTiles, AuditHeads, Meta,
	}
}
