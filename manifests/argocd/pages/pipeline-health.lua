-- Health of an AlbumPipeline on Argo CD's pages: it does nothing itself, but may hold its apps.
local held = {}
for _, app in ipairs(obj.spec.apps or {}) do
  if app.hold then
    table.insert(held, app.name)
  end
end
if #held == 0 then
  return { status = "Healthy" }
end

local annotations = obj.metadata.annotations or {}
local is_ignored = annotations["argocd.argoproj.io/ignore-healthcheck"] == "true"
return {
  status = is_ignored and "Healthy" or "Suspended",
  message = "Held by spec.apps[].hold: " .. table.concat(held, ", ") .. ".",
}
