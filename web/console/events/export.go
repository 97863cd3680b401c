package events

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/usercsv"
	view "barillet/templates/console"
	"barillet/web/api/systemlog"
	"barillet/web/console/shell"
	"barillet/web/reply"
)

const (
	maxExport  = 10_000 // events in a file
	exportPart = 500    // events in one View
)

// exportPath returns the path of the export of the events that the query of a page selects.
func exportPath(q url.Values) string {
	kept := url.Values{}
	for _, name := range append([]string{"after"}, logFilters...) {
		if v := q.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	if len(kept) == 0 {
		return LogPath + "/export"
	}
	return LogPath + "/export?" + kept.Encode()
}

// openExport returns the form of an export. Its hidden fields are the filters of the page of the log.
func openExport(_ *http.Request, p admin.Principal) (shell.Form, error) {
	fields := []view.Field{{Name: "format", Words: "log_format", Kind: "choice", Value: "csv", Options: []view.Option{
		{Value: "csv", Words: "log.format.csv"}, {Value: "jsonl", Words: "log.format.jsonl"}}}}
	for _, name := range append([]string{"after"}, logFilters...) {
		fields = append(fields, view.Field{Name: name, Kind: "hidden", Optional: true, Max: 512})
	}
	return shell.Form{Back: LogPath, Fields: fields}, p.Require(admin.PermRead)
}

// exportLog writes at most maxExport of the selected events to a file. Its last line has the path of the next file, if there is one.
func (c *Pages) exportLog(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	if err := p.Require(admin.PermExport); err != nil {
		return shell.Outcome{}, err
	}
	s, err := c.selectEvents(ctx, p, in.Values)
	if err != nil {
		return shell.Outcome{}, err
	}
	if s.none {
		return shell.Outcome{}, errcode.New(errcode.NotFound)
	}
	s.query.Limit = exportPart
	first, next, err := c.readEvents(in.Request, p, s.query)
	if err != nil {
		return shell.Outcome{}, err
	}
	if err := c.Directory.Admin.BeginExport(ctx, p, from, s.describe(in)); err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{File: func(w http.ResponseWriter) error {
		x := &export{w: w, lang: c.Language(in.Request)}
		err := x.begin(in.Get("format"), c.Now())
		if err == nil {
			err = c.writeEvents(in, p, s.query, x, first, next)
		}
		if err != nil { // the browser must not keep a part of a file as the whole
			reply.Report(in.Request, err)
			panic(http.ErrAbortHandler)
		}
		return nil
	}}, nil
}

// describe returns the selection for the event of an export. It names users by id, so that an erasure leaves no name (promise S3).
func (s *selection) describe(in shell.Input) map[string]string {
	what := map[string]string{"format": in.Get("format")}
	for _, name := range []string{"after", "type", "outcome", "since", "until"} {
		if v := in.Get(name); v != "" {
			what[name] = v
		}
	}
	if s.subject != "" {
		what["user"] = s.subject
	}
	if s.actor != "" {
		what["actor"] = s.actor
	}
	return what
}

// writeEvents writes a part of the events, and those that follow it.
func (c *Pages) writeEvents(in shell.Input, p admin.Principal, q audit.Query, x *export, found []audit.Entry, next string) error {
	for written := 0; ; {
		names, err := c.eventNames(in.Request.Context(), p, found)
		if err != nil {
			return err
		}
		if err := x.write(found, names); err != nil || next == "" {
			return err
		}
		if written += len(found); written >= maxExport {
			in.Values.Set("after", next)
			return x.end(exportPath(in.Values))
		}
		q.After = next
		if found, next, err = c.readEvents(in.Request, p, q); err != nil {
			return err
		}
	}
}

// export is a file that is being written.
type export struct {
	w    http.ResponseWriter
	lang string
	csv  *usercsv.Writer // nil: JSON lines
}

// exportColumns are the columns of a CSV file.
var exportColumns = []string{"published", "uuid", "eventType", "message", "outcome", "reason", "actorType", "actorId", "actorName", "userId", "userName",
	"targets", "ipAddress", "userAgent", "requestId", "details"}

func (x *export) begin(format string, now time.Time) (err error) {
	media := map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
	x.w.Header().Set("Content-Type", media[format])
	x.w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "log-"+now.UTC().Format("20060102-150405")+"."+format))
	if format == "csv" {
		x.csv, err = usercsv.NewWriter(x.w, usercsv.Style{Semicolons: x.lang == "fr", Mark: true}, exportColumns)
	}
	return err
}

func (x *export) write(found []audit.Entry, names map[string]string) error {
	if x.csv == nil {
		lines := json.NewEncoder(x.w)
		for _, e := range found {
			if err := lines.Encode(systemlog.New(e)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, len(found))
	for i, e := range found {
		rows[i] = exportRow(e, names)
	}
	return x.csv.Write(rows)
}

func exportRow(e audit.Entry, names map[string]string) []string {
	actor, subject := named(names, e.Actor), shell.UserNamed(names, e.Subject, e.SubjectName)
	var targets []string
	for _, t := range e.Targets {
		targets = append(targets, strings.TrimSpace(t.Type+" "+t.ID+" "+named(names, t).Name))
	}
	details := ""
	if len(e.Detail) > 0 {
		if text, err := json.Marshal(e.Detail); err == nil {
			details = string(text)
		}
	}
	message := systemlog.DisplayMessage(e.Action)
	if n := e.Count(); n > 1 {
		message += " (" + strconv.Itoa(n) + ")"
	}
	return []string{*reply.Timestamp(e.At), e.ID, e.Action, message, e.Outcome, e.Reason, e.Actor.Type, e.Actor.ID, actor.Name, e.Subject, subject.Name,
		strings.Join(targets, ", "), e.Address, e.Agent, e.Request, details}
}

// end writes the last line of a file after which there is another one.
func (x *export) end(next string) error {
	if x.csv != nil {
		return x.csv.Write([][]string{{"next", next}})
	}
	return json.NewEncoder(x.w).Encode(map[string]string{"next": next})
}
