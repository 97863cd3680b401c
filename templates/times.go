package templates

import (
	"strconv"
	"strings"
	"time"
)

// moment returns a time to the minute with its zone.
func (c *translator) moment(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	name, _ := at.Zone()
	return c.text("time.moment", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()), "Clock", at.Format("15:04"), "Zone", name)
}

// short returns a time to the minute. The page shows the zone once.
func (c *translator) short(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	return c.text("time.short", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()), "Clock", at.Format("15:04"))
}

// date returns the day.
func (c *translator) date(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	return c.text("time.date", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()))
}

func (c *translator) dayOf(at time.Time) string {
	if at.Day() == 1 {
		return c.text("time.first")
	}
	return strconv.Itoa(at.Day())
}

func (c *translator) month(at time.Time) string {
	return strings.Fields(c.text("time.months"))[at.Month()-1]
}

func zoneOf(z *time.Location) *time.Location {
	if z == nil {
		return time.UTC
	}
	return z
}
