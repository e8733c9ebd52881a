using System.Diagnostics;
using Signalbox.Testing;

namespace Signalbox.Targets.Tests;

/// <summary>A target of any class in memory, right but for one fault. Its T1 does a thing as often as it is told to, its T2 and T3 keep a state.</summary>
internal sealed class PlantedTarget(TargetClass targetClass, Fault fault, TimeSpan lag)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _state = [];
    private readonly Dictionary<string, int> _effects = [];
    private readonly HashSet<(string Key, string Operation, string Resource)> _remembered = [];
    private readonly Dictionary<(string Resource, RunId Run), int> _fences = [];
    private readonly Dictionary<string, TargetFault> _planted = [];
    private readonly Dictionary<string, (bool Stood, long At)> _changed = [];
    private int _inFlight;
    private int _looks;

    public bool Stands(string resource)
    {
        lock (_lock)
        {
            return _state.GetValueOrDefault(resource) > 0;
        }
    }

    public int Effects(string resource)
    {
        lock (_lock)
        {
            return _effects.GetValueOrDefault(resource);
        }
    }

    public void Plant(string resource, TargetFault planted) => _planted[resource] = planted;

    /// <summary>Another hand.</summary>
    public void Set(string resource, bool stands)
    {
        lock (_lock)
        {
            _changed[resource] = (!stands, Stopwatch.GetTimestamp());
            _state[resource] = stands ? 1 : fault == Fault.CountsReferences ? _state.GetValueOrDefault(resource) - 1 : 0;
            if (!stands && fault == Fault.ForgetsIdsWithTheEffect)
            {
                _remembered.RemoveWhere(r => r.Resource == resource);
            }
        }
    }

    public bool Look(string resource, ActionContext context)
    {
        lock (_lock)
        {
            _looks++;
            if (targetClass == TargetClass.T2 && fault != Fault.LooksRaiseNoFence)
            {
                RaiseFence(resource, context);
            }

            if (fault == Fault.LooksDoIt)
            {
                _state[resource] = 1;
                return false;
            }

            if (fault == Fault.LooksLag && _changed.TryGetValue(resource, out var changed) && Stopwatch.GetElapsedTime(changed.At) < lag)
            {
                return changed.Stood;
            }

            return fault == Fault.LooksAlternate ? _looks % 2 == 0 : _state.GetValueOrDefault(resource) > 0;
        }
    }

    public async Task CallAsync(string operation, string resource, ActionContext context, CancellationToken cancellationToken)
    {
        var planted = _planted.Remove(resource, out var f) ? f : TargetFault.None;
        if (planted == TargetFault.ThrowsBeforeEffect)
        {
            throw new IOException("The target refused the connection.");
        }

        await ApplyAsync(operation, resource, context);
        if (planted == TargetFault.ThrowsAfterEffect)
        {
            throw new IOException("The connection was lost before the target's answer.");
        }

        if (planted == TargetFault.HangsAfterEffect)
        {
            await Task.Delay(Timeout.Infinite, fault == Fault.IgnoresCancellation ? CancellationToken.None : cancellationToken);
        }
    }

    private async Task ApplyAsync(string operation, string resource, ActionContext context)
    {
        Interlocked.Increment(ref _inFlight);
        if (fault is Fault.RemembersIdsBeside or Fault.ComparesAndThenSets or Fault.LosesSomeOfMany)
        {
            bool accepted;
            lock (_lock)
            {
                accepted = IsAccepted(operation, resource, context, remember: false) && (targetClass == TargetClass.T1 || Changes(operation, resource));
            }

            await Task.Delay(50, CancellationToken.None); // the time between the look and the deed, in which others look
            lock (_lock)
            {
                IsAccepted(operation, resource, context, remember: true);
                if (accepted && (fault != Fault.LosesSomeOfMany || _inFlight == 1))
                {
                    Change(operation, resource);
                }
            }
        }
        else
        {
            lock (_lock)
            {
                if (IsAccepted(operation, resource, context, remember: true) && (targetClass is TargetClass.T1 or TargetClass.T4 || fault is Fault.WritesWhatIsSo || Changes(operation, resource)))
                {
                    Change(operation, resource);
                }
            }
        }

        Interlocked.Decrement(ref _inFlight);
    }

    private bool Changes(string operation, string resource) =>
        fault is Fault.CountsReferences or Fault.Toggles or Fault.UndoTwiceDoesIt || operation == "execute" != _state.GetValueOrDefault(resource) > 0;

    private void Change(string operation, string resource)
    {
        var stood = _state.GetValueOrDefault(resource);
        var stands = (operation, fault) switch
        {
            ("execute", Fault.ExecuteDoesNothing) or ("undo", Fault.UndoDoesNothing) => stood,
            ("execute", Fault.Toggles) => 1 - stood,
            ("execute", Fault.CountsReferences) => stood + 1,
            ("execute", _) => 1,
            ("undo", Fault.CountsReferences) => Math.Max(0, stood - 1),
            ("undo", Fault.UndoTwiceDoesIt) => 1 - stood,
            _ => 0,
        };
        if (operation == "execute" || stands != stood)
        {
            _effects[resource] = _effects.GetValueOrDefault(resource) + 1;
        }

        _state[resource] = stands;
        _changed[resource] = (stood > 0, Stopwatch.GetTimestamp());
        if (operation == "execute" && fault == Fault.TouchesNeighbours)
        {
            _state[PlantedHarness.Next(resource)] = 1;
        }

        if (operation == "undo" && fault == Fault.UndoTakesAll)
        {
            _state.Clear();
        }

        if (operation == "undo" && fault == Fault.UndoFreesTheId)
        {
            _remembered.RemoveWhere(r => r.Resource == resource);
        }
    }

    private bool IsAccepted(string operation, string resource, ActionContext context, bool remember) => targetClass switch
    {
        TargetClass.T1 => IsNew(operation, resource, context, remember),
        TargetClass.T2 => IsFresh(operation, resource, context),
        _ => true,
    };

    private bool IsNew(string operation, string resource, ActionContext context, bool remember)
    {
        if (fault == Fault.ForgetsIds || (fault == Fault.ForgetsIdsOfUndos && operation == "undo"))
        {
            return true;
        }

        var key = fault switch
        {
            Fault.RemembersResources => resource,
            Fault.NewIdPerAttempt => $"{context.ActionId}/{context.Attempt}",
            _ => context.ActionId,
        };
        var memory = (key, fault == Fault.TakesUndoForAReplay ? "" : operation, resource);
        return remember ? _remembered.Add(memory) : !_remembered.Contains(memory);
    }

    private bool IsFresh(string operation, string resource, ActionContext context)
    {
        if (fault == Fault.IgnoresTheFence || (fault == Fault.FenceOnlyForDoing && operation == "undo"))
        {
            return true;
        }

        var fence = RaiseFence(resource, context);
        return fault == Fault.FenceClosesForEver ? context.Epoch > fence : context.Epoch >= Math.Max(fence, context.Epoch);
    }

    /// <summary>Gives the fence as it was.</summary>
    private int RaiseFence(string resource, ActionContext context)
    {
        var key = (resource, fault == Fault.FenceOfAllRuns ? default : context.Run);
        var before = _fences.GetValueOrDefault(key);
        _fences[key] = Math.Max(before, context.Epoch);
        return before;
    }
}
