-- Health of an AlbumRelease on Argo CD's pages. Its conditions are those of kstatus, and
-- `observedGeneration` is kept. Argo CD gives a script no library but `table` and `os`.

-- Ready while a person has to act in the forge, the cluster, the pipeline or the release itself.
local awaits_person = {
  AwaitingMerge = true,
  AwaitingChecks = true,
  Held = true,
  Paused = true,
  Suspended = true,
}

-- What step Merged waits for meanwhile that machines do.
local goes_on = {
  ChecksRunning = true,
  MergeConflict = true,
  Merging = true,
  Queued = true,
}

-- Ended, and nothing is left to mend: a newer version took over, or the one before is back.
local is_over = {
  Cancelled = true,
  RolledBack = true,
  Superseded = true,
}

local function find_condition(name)
  for _, condition in ipairs((obj.status or {}).conditions or {}) do
    if condition.type == name then
      return condition
    end
  end
  return { status = "Unknown", reason = "Pending", message = "" }
end

local function judge(ready)
  if ready.status == "True" then
    return "Healthy"
  end
  if ready.status == "False" then
    return is_over[ready.reason] and "Healthy" or "Degraded"
  end
  if ready.reason == "AwaitingMerge" and goes_on[find_condition("Merged").reason] then
    return "Progressing"
  end
  return awaits_person[ready.reason] and "Suspended" or "Progressing"
end

local annotations = obj.metadata.annotations or {}
local status = obj.status or {}
local retry = annotations["album.dev/retry"]
local ready = find_condition("Ready")
local health = { status = judge(ready), message = ready.reason .. ": " .. ready.message }

if status.observedGeneration ~= obj.metadata.generation or retry ~= nil and retry ~= status.lastHandledRetry then
  health = { status = "Progressing", message = "The operator has not looked at this yet." }
end
-- Argo CD leaves it out of the Application's health then, but not out of its waves, which wait for
-- all that is not Healthy.
if annotations["argocd.argoproj.io/ignore-healthcheck"] == "true" then
  health.status = "Healthy"
end
return health
