-- Asks Barillet before HAProxy forwards a request, see "HAProxy" in applications.md.
local identity = { "remote-user", "remote-email", "remote-name", "remote-groups" }
local hop = { connection = true, ["content-length"] = true, ["transfer-encoding"] = true, ["keep-alive"] = true }

core.register_action("barillet", { "http-req" }, function(txn)
  local sent, ask = txn.http:req_get_headers(), {}
  for _, name in ipairs({ "accept", "accept-language", "cookie", "sec-fetch-mode", "user-agent" }) do
    ask[name] = sent[name]
  end
  ask["x-forwarded-method"] = { txn.sf:method() }
  ask["x-forwarded-proto"] = { "https" }
  ask["x-forwarded-host"] = { txn.sf:req_hdr("host") }
  ask["x-forwarded-uri"] = { txn.sf:pathq() }
  ask["x-forwarded-for"] = { txn.sf:src() }
  local answer = core.httpclient():get{ url = "http://127.0.0.1:8080/forward-auth", headers = ask, timeout = 5000 }
  if answer and answer.status == 200 then
    for _, name in ipairs(identity) do
      txn.http:req_set_header(name, answer.headers[name][0])
    end
    return
  end
  local reply = txn:reply{ status = 503 }
  if answer and answer.status and answer.status >= 300 then
    reply = txn:reply{ status = answer.status, body = answer.body }
    for name, values in pairs(answer.headers) do
      for _, value in pairs(hop[name] and {} or values) do
        reply:add_header(name, value)
      end
    end
  end
  txn:done(reply)
end)
