package generation

import "barillet/store"

// ended lists the tables that each generation clears, and kept the others. A test compares both with the layout of the store.
//
// Jobs and mails that waited at the backup were delivered since, or have links that ended, so they are not delivered again. An answer
// of an idempotent request belongs to a token or session that has ended, so no later request has its key: before a caller
// repeats an operation, it reads whether the store has the result.
var (
	ended = set(store.Transactions, store.Links, store.Sessions, store.Browsers, store.Forwards, store.Approvals, store.Handovers, store.Codes, store.Refreshes,
		store.Accesses, store.AuthRequests, store.Grants, store.GrantsExpiring, store.Consents, store.UserCodes, store.Tokens, store.Idempotency,
		store.Outbox, store.WebhookDeliveries)
	kept = set(
		store.Users, store.Summaries, store.Addresses, store.Placeholders, store.Names, store.Members, store.RoleHolders, store.UserStates, store.Uniques, // renewed
		store.Groups, store.GroupNames, store.Clients, store.Webhooks, store.SignKeys, // what the log ended, or may have ended, ends
		store.Setup,                                       // its mark; a link ends
		store.Failures, store.Throttles, store.Assertions, // they refuse
		store.Logouts,                                                // an application may still have the session
		store.HelpRequests, store.SignInsPending, store.SignInCounts, // no access follows from them
		store.Audit, store.AuditEntities, store.AuditPending, store.AuditLeaves, store.AuditTiles, store.AuditHeads, store.Erasures, // the log goes on
		store.Meta)
)

func set(tables ...store.TableDef) map[string]bool {
	out := map[string]bool{}
	for _, t := range tables {
		out[t.Prefix] = true
	}
	return out
}
