package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// clientsPath is the path of the client registry, which is not below the base path of the REST API.
const clientsPath = "/oauth2/v1/clients"

// oauth returns a client for paths outside the base path of the REST API.
func (c *Client) oauth() *Client {
	out := *c
	out.base = strings.TrimSuffix(c.base, "/api/v1")
	return &out
}

func clientPath(id string) string { return clientsPath + "/" + url.PathEscape(id) }

// clientFlags are the flags for client metadata (RFC 7591). --file can set any member.
type clientFlags struct {
	name, file, backchannel, method, scope, alg string
	role, owner, keys                           string
	redirects, logoutTo, grants, groups         []string
	native, consent, phishingResistant          bool
	introspectAll                               bool
}

// deviceGrant is the grant that the command line calls device_code.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

var grantNames = []string{"authorization_code", "refresh_token", "client_credentials", "device_code"}

// grantTypes returns grants by their names in the metadata.
func grantTypes(names []string) []string {
	out := slices.Clone(names)
	for i, name := range out {
		if name == "device_code" {
			out[i] = deviceGrant
		}
	}
	return out
}

// maxMetadata is the maximum size of --file in bytes; the service accepts less.
const maxMetadata = 1 << 20

func (a *clientFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&a.redirects, "redirect", nil, "redirect URI; can be repeated")
	f.StringSliceVar(&a.logoutTo, "logout-redirect", nil, "redirect URI after a sign-out; can be repeated")
	f.StringVar(&a.backchannel, "backchannel", "", "URI for back-channel logout")
	f.StringVar(&a.method, "method", "", "authentication at the token endpoint: client_secret_basic, client_secret_post, private_key_jwt, none")
	completeWords(c, "method", []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"})
	f.StringVar(&a.scope, "scope", "", "allowed scopes, separated by spaces")
	f.StringSliceVar(&a.grants, "grant", nil, "allowed grant type: "+strings.Join(grantNames, ", ")+"; can be repeated")
	completeWords(c, "grant", grantNames)
	f.BoolVar(&a.introspectAll, "introspect-all", false, "check the access tokens of other applications; a resource server needs no --redirect")
	f.StringVar(&a.alg, "alg", "", "signature algorithm of ID tokens: RS256, ES256, EdDSA")
	completeWords(c, "alg", []string{"RS256", "ES256", "EdDSA"})
	f.BoolVar(&a.native, "native", false, "the application runs on the device of the user")
	f.BoolVar(&a.consent, "consent", true, "ask each user for consent")
	f.BoolVar(&a.phishingResistant, "phishing-resistant", false, "require a security key")
	f.StringSliceVar(&a.groups, "group", nil, "group that can use the application, by id or name; can be repeated; default: all users")
	f.StringVar(&a.role, "role", "", "make a service client, which calls the REST API with this role: "+strings.Join(roles, ", "))
	completeWords(c, "role", roles)
	f.StringVar(&a.owner, "owner", "", "user that a service client acts as, by login, address or id")
	f.StringVar(&a.keys, "jwks", "", "file with the public keys of private_key_jwt, as a JWK Set")
	f.StringVar(&a.file, "file", "", "file with more metadata, as a JSON object")
}

// addTo sets the members of the file, and then those of the flags on the command line.
func (a *clientFlags) addTo(ctx context.Context, s *Client, c *cobra.Command, metadata map[string]any) error {
	if a.file != "" {
		raw, err := os.ReadFile(a.file)
		if err != nil {
			return fmt.Errorf("reading --file: %w", err)
		}
		if len(raw) > maxMetadata {
			return fmt.Errorf("reading --file: more than %d bytes", maxMetadata)
		}
		var more map[string]any
		if err := json.Unmarshal(raw, &more); err != nil {
			return fmt.Errorf("reading --file: %w", err)
		}
		maps.Copy(metadata, more)
	}
	if a.keys != "" {
		set, err := os.ReadFile(a.keys)
		if err != nil {
			return fmt.Errorf("reading --jwks: %w", err)
		}
		if !json.Valid(set) {
			return fmt.Errorf("reading --jwks: not JSON")
		}
		metadata["jwks"] = json.RawMessage(set)
	}
	kind := "web"
	if a.native {
		kind = "native"
	}
	groups := []string{}
	for _, g := range a.groups {
		id, err := s.groupID(ctx, g)
		if err != nil {
			return err
		}
		groups = append(groups, id)
	}
	for flag, put := range map[string]struct {
		member string
		value  any
	}{
		"redirect": {"redirect_uris", a.redirects}, "logout-redirect": {"post_logout_redirect_uris", a.logoutTo},
		"backchannel": {"backchannel_logout_uri", a.backchannel}, "method": {"token_endpoint_auth_method", a.method},
		"scope": {"scope", a.scope}, "grant": {"grant_types", grantTypes(a.grants)}, "alg": {"id_token_signed_response_alg", a.alg},
		"native": {"application_type", kind}, "consent": {"barillet_consent", a.consent},
		"phishing-resistant": {"barillet_phishing_resistant", a.phishingResistant}, "introspect-all": {"barillet_introspect_all", a.introspectAll},
		"group": {"barillet_groups", groups}, "role": {"barillet_role", a.role}, "owner": {"barillet_owner", a.owner}, "name": {"client_name", a.name},
	} {
		if c.Flags().Changed(flag) {
			metadata[put.member] = put.value
		}
	}
	return nil
}

// clientInfo is the part of the client metadata that the commands print.
type clientInfo struct {
	ID        string    `json:"client_id"`
	Secret    string    `json:"client_secret"`
	Name      string    `json:"client_name"`
	Method    string    `json:"token_endpoint_auth_method"`
	Redirects []string  `json:"redirect_uris"`
	Groups    *[]string `json:"barillet_groups"`
}

// printCredentials notes what the application proves itself with, and prints the id and, if the response contains it, the secret.
// before is its method before an update, or "".
func (m *CLI) printCredentials(raw json.RawMessage, before string) error {
	var created clientInfo
	if err := json.Unmarshal(raw, &created); err != nil {
		return fmt.Errorf("reading response: %w", err)
	}
	switch {
	case created.Secret != "":
		m.Note("the secret is not shown again")
	case created.Method == "none" && before != "none":
		m.Note("the application has no secret, and uses PKCE")
	case created.Method == "private_key_jwt" && before != "private_key_jwt":
		m.Note("the application has no secret: it signs with its keys")
	}
	if m.JSON {
		return m.Result(raw)
	}
	rows := [][]string{{"client_id", created.ID}}
	if created.Secret != "" {
		rows = append(rows, []string{"client_secret", created.Secret})
	}
	return m.Table(rows)
}

func (m *CLI) clientAdd() *cobra.Command {
	var a clientFlags
	c := &cobra.Command{Use: "add NAME [--redirect URI]", Short: "register an application and print its id and secret", Args: cli.ExactArgs("NAME"),
		Long: "Registers an application that signs users in with OpenID Connect, or that checks access tokens. Prints its id and, if it has one, its secret, which is not shown again.\n\n" +
			"With --role, it registers a service client, which calls the REST API as --owner, limited to each --group. That needs --jwks, and\n" +
			"the setting oidc.client_credentials. Only the operator registers one."}
	a.flags(c)
	return m.withNewStore(c, func(ctx context.Context, s *Client, args []string) error {
		metadata := map[string]any{}
		if err := a.addTo(ctx, s, c, metadata); err != nil {
			return err
		}
		metadata["client_name"] = args[0]
		var created json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPost, clientsPath, metadata, &created); err != nil {
			return fmt.Errorf("registering client: %w", err)
		}
		return m.printCredentials(created, "")
	})
}

func (m *CLI) clientList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list applications: id, name, authentication method, groups, redirect URIs", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s.oauth(), clientsPath, nil, 0)
		if err != nil {
			return fmt.Errorf("listing applications: %w", err)
		}
		return printList(m, all, func(x clientInfo) []string {
			groups := scope(nil)
			if x.Groups != nil {
				groups = scope(*x.Groups)
			}
			return []string{x.ID, x.Name, x.Method, groups, strings.Join(x.Redirects, " ")}
		})
	})
}

func (m *CLI) clientShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "print the metadata of an application as JSON", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("reading client: %w", err)
		}
		return m.Result(raw)
	})
}

func (m *CLI) clientUpdate() *cobra.Command {
	var a clientFlags
	c := &cobra.Command{Use: "update ID", Short: "update the metadata of an application", Args: cli.ExactArgs("ID"),
		Long: "Sets the members that the flags name and keeps the others. A null member of --file resets it to the default of the standard."}
	c.Flags().StringVar(&a.name, "name", "", "name of the application")
	a.flags(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		metadata := map[string]any{}
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &metadata); err != nil {
			return fmt.Errorf("reading client: %w", err)
		}
		before, _ := metadata["token_endpoint_auth_method"].(string)
		if err := a.addTo(ctx, s, c, metadata); err != nil {
			return err
		}
		var now json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPut, clientPath(args[0]), metadata, &now); err != nil {
			return fmt.Errorf("updating client: %w", err)
		}
		m.Note("application updated")
		return m.printCredentials(now, before)
	})
}

func (m *CLI) clientRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "remove an application and revoke its tokens immediately", Args: cli.ExactArgs("ID")}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var x clientInfo
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &x); err != nil {
			return fmt.Errorf("reading client: %w", err)
		}
		if err := confirm("remove %s permanently", cli.Plain(x.Name)); err != nil {
			return err
		}
		if err := s.oauth().call(ctx, http.MethodDelete, clientPath(args[0]), nil, nil); err != nil {
			return fmt.Errorf("removing client: %w", err)
		}
		m.Note("%s removed, its tokens are revoked", cli.Plain(x.Name))
		return nil
	})
}

func (m *CLI) clientRotate() *cobra.Command {
	c := &cobra.Command{Use: "rotate-secret ID", Short: "replace the secret of an application and print the new one", Args: cli.ExactArgs("ID"),
		Long: "Replaces the secret of an application and prints the new one, which is not shown again. The old one stops working immediately."}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var created json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPost, clientPath(args[0])+"/secret", nil, &created); err != nil {
			return fmt.Errorf("rotating client secret: %w", err)
		}
		m.Note("the old secret no longer works")
		return m.printCredentials(created, "")
	})
}
