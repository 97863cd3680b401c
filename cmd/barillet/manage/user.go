package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// newUser is the request that creates a user.
type newUser struct {
	Profile struct {
		Login     string `json:"login"`
		Email     string `json:"email"`
		FirstName string `json:"firstName,omitempty"`
		LastName  string `json:"lastName,omitempty"`
		Locale    string `json:"locale,omitempty"`
		Primary   string `json:"primaryPhone,omitempty"`
		Mobile    string `json:"mobilePhone,omitempty"`
	} `json:"profile"`
	GroupIDs []string `json:"groupIds,omitempty"`
	Role     string   `json:"role,omitempty"`
}

// activation is the result of an invitation.
type activation struct {
	URL     string    `json:"activationUrl,omitempty"`
	Mailed  bool      `json:"mailed"`
	Expires time.Time `json:"expiresAt,omitzero"`
}

type createdUser struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Profile struct {
		Login string `json:"login"`
		Email string `json:"email"`
	} `json:"profile"`
	Embedded struct {
		Activation activation `json:"activation,omitzero"`
	} `json:"_embedded,omitzero"`
}

// addFlags are the flags of user add.
type addFlags struct {
	name, role      string
	locale          string
	primary, mobile string
	groups          []string
	invite, noEmail bool
}

func (m *CLI) userAdd() *cobra.Command {
	var a addFlags
	c := &cobra.Command{
		Use: "add EMAIL", Short: "create a user and, with --invite, send an invitation",
		Long: "Creates a user. With --invite, the user gets an invitation by email. With --no-mail, the command prints only the link of\n" +
			"the invitation on stdout instead.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&a.name, "name", "", "first and last name")
	c.Flags().StringVar(&a.locale, "locale", "", "language of pages and emails: fr or en; empty: as the browser of the first sign-in")
	c.Flags().StringVar(&a.primary, "primary-phone", "", "telephone number, such as +33 1 40 50 60 70")
	c.Flags().StringVar(&a.mobile, "mobile-phone", "", "mobile telephone number; nobody calls back on a new number for 72 hours")
	known := choiceFlag(c, &a.role, "role", "role of the user", roles)
	c.Flags().StringSliceVar(&a.groups, "group", nil, "group of the user, by id or name; can be repeated")
	c.Flags().BoolVar(&a.invite, "invite", false, "invite the user")
	c.Flags().BoolVar(&a.noEmail, "no-mail", false, "print the link of the invitation instead of sending it")
	return m.withNewStore(c, func(ctx context.Context, s *Client, args []string) error { return m.addUser(ctx, s, &a, args[0]) },
		known, func(Connector) error {
			if a.noEmail && !a.invite {
				return cli.Usagef("--no-mail requires --invite")
			}
			return nil
		})
}

func (m *CLI) addUser(ctx context.Context, s *Client, a *addFlags, email string) error {
	groups, err := s.groupIDs(ctx, a.groups)
	if err != nil {
		return err
	}
	req := newUser{GroupIDs: groups, Role: a.role}
	req.Profile.Login, req.Profile.Email = email, email
	req.Profile.FirstName, req.Profile.LastName, _ = strings.Cut(strings.TrimSpace(a.name), " ")
	req.Profile.Locale, req.Profile.Primary, req.Profile.Mobile = a.locale, a.primary, a.mobile
	req.Profile.LastName = strings.TrimSpace(req.Profile.LastName)
	if a.invite {
		m.warnDefaultURL(s)
	}
	var created createdUser
	path := fmt.Sprintf("/users?activate=%t&sendEmail=%t", a.invite, !a.noEmail)
	if err := s.call(ctx, http.MethodPost, path, req, &created); err != nil {
		return fmt.Errorf("adding %s: %w", email, err)
	}
	m.Note("%s created with id %s", created.Profile.Login, created.ID)
	if !a.invite {
		m.Note("no invitation sent: the user cannot sign in yet")
	}
	if m.JSON {
		return m.Result(created)
	}
	if !a.invite {
		return nil
	}
	return m.printInvitation(s, created.Profile.Email, created.Embedded.Activation)
}

// printInvitation prints the link of an invitation on stdout if it was not sent.
func (m *CLI) printInvitation(s *Client, email string, invited activation) error {
	switch {
	case invited.URL != "":
		m.Note("the link works once, until %s: give it to the user", m.Moment(invited.Expires))
		return m.Line("%s", invited.URL)
	case !invited.Mailed:
		m.Note("%s is active again; no invitation sent", email)
	case s.Offline:
		m.Note("the invitation is in the outbox: the service sends it when it runs")
	default:
		m.Note("invitation sent to %s", email)
	}
	return nil
}

// user is the part of a user that is printed. --json prints the whole response.
type user struct {
	ID        string                     `json:"id"`
	Status    string                     `json:"status"`
	Created   time.Time                  `json:"created"`
	LastLogin time.Time                  `json:"lastLogin"`
	Profile   map[string]json.RawMessage `json:"profile"`
	GroupIDs  []string                   `json:"groupIds"`
}

// text returns a member of the profile as text.
func (p user) text(name string) string {
	var s string
	if raw := p.Profile[name]; json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

func (p user) name() string {
	return strings.TrimSpace(p.text("firstName") + " " + p.text("lastName"))
}

func userPath(name string, more ...string) string {
	return "/users/" + url.PathEscape(name) + strings.Join(more, "")
}

func (m *CLI) userShow() *cobra.Command {
	c := &cobra.Command{Use: "show EMAIL", Short: "print a user with groups and roles", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("reading %s: %w", args[0], err)
		}
		return printOne(m, raw, func(u user) error { return m.showUser(ctx, s, u) })
	})
}

// showUser prints a user with groups and roles.
func (m *CLI) showUser(ctx context.Context, s *Client, u user) error {
	groups, err := pages[group](ctx, s, userPath(u.ID, "/groups"), nil, 0)
	if err != nil {
		return fmt.Errorf("reading groups of %s: %w", u.text("login"), err)
	}
	rows := [][]string{{"id", u.ID}, {"status", u.Status}, {"created", m.Moment(u.Created)}, {"last sign-in", m.Moment(u.LastLogin)}}
	var roles []roleAssignment
	if err := s.call(ctx, http.MethodGet, userPath(u.ID, "/roles"), nil, &roles); err != nil {
		return fmt.Errorf("reading roles of %s: %w", u.text("login"), err)
	}
	for _, g := range groups {
		rows = append(rows, []string{"group", g.ID + " " + g.Profile.Name})
	}
	for _, g := range roles {
		rows = append(rows, []string{"role", g.Type + " for " + scope(g.Targets)})
	}
	for _, name := range memberNames(u.Profile) {
		if value := u.text(name); value != "null" && value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	return m.Table(rows)
}

// memberNames returns the names of the members of a profile, the standard ones first.
func memberNames(profile map[string]json.RawMessage) []string {
	first := []string{"login", "email", "secondEmail", "firstName", "lastName", "locale", "primaryPhone", "mobilePhone"}
	var rest []string
	for name := range profile {
		if !slices.Contains(first, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(first, rest...)
}

func (m *CLI) userList() *cobra.Command {
	var prefix, status, groupName string
	var limit int
	c := &cobra.Command{Use: "list", Short: "list users: id, status, login, name, last sign-in", Args: cli.ExactArgs()}
	c.Flags().StringVar(&prefix, "q", "", "only users whose name, login or address begins with this text")
	known := choiceFlag(c, &status, "status", "only users with this status", statuses)
	c.Flags().StringVar(&groupName, "group", "", "only members of this group, by id or name")
	c.Flags().IntVar(&limit, "limit", 0, "maximum number of users; 0 is no limit")
	list := func(ctx context.Context, s *Client, _ []string) error {
		path, values := "/users", url.Values{}
		if groupName != "" {
			id, err := s.groupID(ctx, groupName)
			if err != nil {
				return err
			}
			path = "/groups/" + url.PathEscape(id) + "/users"
		}
		if prefix != "" {
			values.Set("q", prefix)
		}
		if status != "" {
			values.Set("filter", fmt.Sprintf("status eq %q", status))
		}
		all, err := pages[json.RawMessage](ctx, s, path, values, limit)
		if err != nil {
			return fmt.Errorf("listing users: %w", err)
		}
		return printList(m, all, func(u user) []string {
			return []string{u.ID, u.Status, u.text("login"), u.name(), m.Moment(u.LastLogin)}
		})
	}
	return m.withClient(c, list, known, func(Connector) error {
		switch {
		case groupName != "" && prefix+status != "":
			return cli.Usagef("--group cannot be combined with --q or --status")
		case limit < 0:
			return cli.Usagef("--limit: want 0 or more")
		}
		return nil
	})
}

// statuses are the values of --status.
var statuses = []string{"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"}

func (m *CLI) userDelete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete EMAIL", Short: "delete a user permanently",
		Long: "Deactivates an active user, and deletes the user with all devices and memberships. The audit log keeps their events.",
		Args: cli.ExactArgs("EMAIL"),
	}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var u user
		if err := s.call(ctx, http.MethodGet, userPath(args[0]), nil, &u); err != nil {
			return fmt.Errorf("deleting %s: %w", args[0], err)
		}
		if err := confirm("delete %s (%s) permanently", u.text("login"), u.name()); err != nil {
			return err
		}
		if u.Status != "DEPROVISIONED" {
			if err := s.call(ctx, http.MethodPost, userPath(u.ID, "/lifecycle/deactivate"), nil, nil); err != nil {
				return fmt.Errorf("deactivating %s: %w", args[0], err)
			}
		}
		if err := s.call(ctx, http.MethodDelete, userPath(u.ID), nil, nil); err != nil {
			return fmt.Errorf("deleting %s: %w", args[0], err)
		}
		m.Note("%s deleted", u.text("login"))
		return nil
	})
}
