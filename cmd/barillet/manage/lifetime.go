package manage

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var days = regexp.MustCompile(`^([1-9][0-9]{0,3})d$`)

// parseLifetime parses a number of days such as 90d, or a Go duration.
func parseLifetime(s string) (time.Duration, error) {
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
