-- Health of an AlbumPipeline on Argo CD's pages: whether its releases would have all they need, and
-- whether they may begin. Argo CD gives a script no library but `table` and `os`.

local status = obj.status or {}

local function judge()
  if status.observedGeneration ~= obj.metadata.generation then
    return { status = "Progressing", message = "The operator has not looked at this yet." }
  end
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == "Ready" and condition.status ~= "True" then
      return {
        status = condition.status == "False" and "Degraded" or "Progressing",
        message = condition.reason .. ": " .. condition.message,
      }
    end
  end
  local held = {}
  for _, app in ipairs(status.apps or {}) do
    if app.held then
      table.insert(held, app.held.because)
    end
  end
  if #held > 0 then
    return { status = "Suspended", message = table.concat(held, " ") }
  end
  return { status = "Healthy" }
end

local health = judge()
-- Its waves wait for all that is not Healthy.
if (obj.metadata.annotations or {})["argocd.argoproj.io/ignore-healthcheck"] == "true" then
  health.status = "Healthy"
end
return health
