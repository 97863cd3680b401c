package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// risk is the part of an entry of the report that is printed. --json prints the whole response.
type risk struct {
	Kind   string `json:"kind"`
	Risk   string `json:"risk"`
	Login  string `json:"login"`
	Name   string `json:"name"`
	Device *struct {
		Name string `json:"name"`
	} `json:"device"`
	Copies   int `json:"copies"`
	Left     int `json:"recoveryCodesLeft"`
	CanReset int `json:"canReset"`
}

// row returns the devices of a user, or the number of administrators of a group.
func (r risk) row() []string {
	if r.Kind == "group" {
		return []string{r.Kind, r.Risk, "", r.Name, fmt.Sprintf("%d can reset", r.CanReset)}
	}
	has := fmt.Sprintf("%d recovery codes", r.Left)
	if r.Copies > 0 {
		has = fmt.Sprintf("on %d more phones, %s", r.Copies, has)
	}
	if r.Device != nil {
		has = r.Device.Name + ", " + has
	}
	return []string{r.Kind, r.Risk, r.Login, r.Name, has}
}

func (m *CLI) reportLockout() *cobra.Command {
	kind := ""
	c := &cobra.Command{
		Use: "lockout-risk", Short: "list users that the loss of one device locks out, and groups with fewer than two administrators who can reset",
		Args: cli.ExactArgs(),
	}
	known := choiceFlag(c, &kind, "kind", "only entries of this kind", []string{"user", "group"})
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if kind != "" {
			values.Set("kind", kind)
		}
		all, err := pages[json.RawMessage](ctx, s, "/reports/lockout-risk", values, 0)
		if err != nil {
			return fmt.Errorf("reading report: %w", err)
		}
		return printList(m, all, risk.row)
	}, known)
}

// signIns is the part of the report of sign-ins that is printed. --json prints the whole response.
type signIns struct {
	Days  []signInDay `json:"days"`
	Total signInDay   `json:"total"`
}

type signInDay struct {
	Date           string `json:"date"`
	SignIns        int    `json:"signIns"`
	WrongPasswords int    `json:"wrongPasswords"`
	WrongCodes     int    `json:"wrongCodes"`
	Inactive       int    `json:"inactive"`
	UnknownLogins  *int   `json:"unknownLogins"`
	Lockouts       int    `json:"lockouts"`
	FactorResets   int    `json:"factorResets"`
}

func (d signInDay) row(name string) []string {
	unknown := "-"
	if d.UnknownLogins != nil {
		unknown = strconv.Itoa(*d.UnknownLogins)
	}
	return []string{name, strconv.Itoa(d.SignIns), strconv.Itoa(d.WrongPasswords), strconv.Itoa(d.WrongCodes), strconv.Itoa(d.Inactive), unknown,
		strconv.Itoa(d.Lockouts), strconv.Itoa(d.FactorResets)}
}

func (m *CLI) reportSignIns() *cobra.Command {
	var days int
	var group string
	c := &cobra.Command{Use: "sign-ins", Short: "count sign-ins and refusals of each day in UTC", Args: cli.ExactArgs()}
	c.Flags().IntVar(&days, "days", 7, "the number of days, with today")
	c.Flags().StringVar(&group, "group", "", "only members of this group, by id or name")
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{"days": {strconv.Itoa(days)}}
		if group != "" {
			id, err := s.groupID(ctx, group)
			if err != nil {
				return err
			}
			values.Set("group", id)
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, "/reports/sign-ins?"+values.Encode(), nil, &raw); err != nil {
			return fmt.Errorf("reading report: %w", err)
		}
		return printOne(m, raw, func(r signIns) error {
			rows := [][]string{{"day", "sign-ins", "wrong passwords", "wrong codes", "inactive", "unknown logins", "lockouts", "resets"}}
			for _, d := range r.Days {
				rows = append(rows, d.row(d.Date))
			}
			return m.Table(append(rows, r.Total.row("total")))
		})
	})
}
