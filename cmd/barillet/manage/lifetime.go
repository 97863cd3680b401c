package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// result prints a result for programs.
func (p *program) result(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	return err
}

var days = regexp.MustCompile(`^([1-9][0-9]{0,3})d$`)

// lifetime reads a number of days, or a duration as Go writes it.
func lifetime(s string) (time.Duration, error) {
	if m := days.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		return time.Duration(n) * 24 * time.Hour, err
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want a number of days such as 90d, or a duration such as 12h")
	}
	return d, nil
}

// moment is how a time is printed for people: to the minute, in the zone of the machine.
func moment(at time.Time) string { return at.In(zone()).Format("2006-01-02 15:04 MST") }
