package templates

import (
	"strconv"
	"strings"
	"time"
)

// moment tells a time to the minute with its zone.
func (c *speaker) moment(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	name, _ := at.Zone()
	return c.say("time.moment", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()), "Clock", at.Format("15:04"), "Zone", name)
}

// short tells a time to the minute; the page says the zone once.
func (c *speaker) short(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	return c.say("time.short", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()), "Clock", at.Format("15:04"))
}

// date tells the day alone.
func (c *speaker) date(at time.Time, zone *time.Location) string {
	at = at.In(zoneOf(zone))
	return c.say("time.date", "Day", c.dayOf(at), "Month", c.month(at), "Year", strconv.Itoa(at.Year()))
}

func (c *speaker) dayOf(at time.Time) string {
	if at.Day() == 1 {
		return c.say("time.first")
	}
	return strconv.Itoa(at.Day())
}

func (c *speaker) month(at time.Time) string {
	return strings.Fields(c.say("time.months"))[at.Month()-1]
}

func zoneOf(z *time.Location) *time.Location {
	if z == nil {
		return time.UTC
	}
	return z
}
