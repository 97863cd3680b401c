package templates_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"barillet/templates"
)

// actions returns the audit actions from their source. A new action needs a sentence or an entry in the list below.
func actions(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../internal/audit/actions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(s, ".") {
				out = append(out, s)
			}
		}
		return true
	})
	if len(out) < 20 {
		t.Fatalf("got %d actions, want at least 20", len(out))
	}
	return out
}

func TestAccount_DescribesEachAuditActionOnAUser(t *testing.T) {
	// Actions that concern the service, administrators or unknown users.
	elsewhere := []string{
		"barillet.login.unknown_name", "barillet.login.source_limited", "group.lifecycle.create", "group.profile.update", "group.lifecycle.delete",
		"barillet.help.assigned", "barillet.help.removed", "barillet.help.updated", "barillet.mail.dead_letter", "barillet.mail.retried", "barillet.mail.dropped", "barillet.audit.exported", "system.api_token.create", "system.api_token.revoke",
		"barillet.api_token.refused", "barillet.setup.link_issued", "barillet.server.started", "barillet.server.stopped", "barillet.store.damaged", "barillet.config.reloaded",
		"barillet.backup.created", "barillet.backup.failed", "barillet.store.restored", "barillet.clock.jumped", "barillet.space.low", "barillet.space.recovered", "barillet.certificate.problem", "barillet.certificate.recovered",
		"barillet.audit.contradicted", "barillet.audit.removed", "barillet.audit.erased", "barillet.retention.removed",
		"barillet.webhook.created", "barillet.webhook.updated", "barillet.webhook.deleted", "barillet.webhook.secret_rotated", "barillet.webhook.tested",
		"barillet.webhook.disabled", "barillet.webhook.overrun", "barillet.webhook.resumed",
		"barillet.app.refused", "app.oauth2.as.key.rollover", "application.lifecycle.create", "application.lifecycle.update", "application.lifecycle.delete",
	}
	r := open(t)
	for _, action := range actions(t) {
		if slices.Contains(elsewhere, action) {
			continue
		}
		out := render(t, r, templates.Account{Base: templates.Base{Lang: "en", SignedIn: true}, Events: []templates.Event{{Action: action, OK: true, Device: "Phone"}}})
		if strings.Contains(out, "Other operation on the account") {
			t.Errorf("no sentence for %s", action)
		}
	}
}
