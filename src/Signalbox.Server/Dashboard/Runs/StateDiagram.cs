using System.Globalization;
using System.Text;
using Signalbox.Queries;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>A state's box; <paramref name="Label"/> is its name as it is drawn.</summary>
internal sealed record StateBox(
    string Name, string Label, double X, double Y, double Width, double Height, string? End, bool IsStart, int Visits, bool IsCurrent, bool IsFailed, bool HasLoop)
{
    public double Right => X + Width;

    public double Bottom => Y + Height;
}

/// <summary>
/// A transition. <paramref name="Path"/> is an SVG path, <paramref name="Head"/> the points of its arrow's head. <paramref name="Taken"/> are the numbers of the visits that it led to, in order;
/// <paramref name="IsDeclared"/>: false for one that the run took without a declaration (a cancellation).
/// </summary>
internal sealed record StateEdge(string From, string To, string Path, string Head, double LabelX, double LabelY, IReadOnlyList<int> Taken, bool IsBack, bool IsDeclared);

/// <summary>
/// A workflow's states as boxes in layers, from the start downwards, and the path that a run took through them. Layers by the longest path from the start; within a layer by the mean place of the neighbours; an edge that
/// goes over several layers, or back, is led between the boxes. The same input gives the same drawing.
/// </summary>
internal sealed class StateDiagram
{
    private const double BoxHeight = 30;
    private const double CharacterWidth = 7.3;
    private const double BoxPadding = 24;
    private const double LayerGap = 40;
    private const double BoxGap = 22;
    private const double LaneGap = 14;
    private const double LoopWidth = 22;
    private const double Margin = 12;
    private const double HeadLength = 6;
    private const int LabelMax = 24;
    private const int Sweeps = 12;

    private readonly List<Node> _nodes = [];
    private readonly List<Edge> _edges = [];
    private List<Node>[] _layers = [];

    private StateDiagram()
    {
    }

    /// <summary>The boxes, in the order of the definition.</summary>
    public IReadOnlyList<StateBox> Boxes { get; private set; } = [];

    public IReadOnlyList<StateEdge> Edges { get; private set; } = [];

    public double Width { get; private set; }

    public double Height { get; private set; }

    /// <summary>Draws a definition (or, where it is missing, what the visits tell of it) with the path of a run.</summary>
    public static StateDiagram Of(WorkflowDefinition? definition, IReadOnlyList<VisitView> visits, RunStatus? status = null)
    {
        var diagram = new StateDiagram();
        diagram.Declare(definition, visits);
        diagram.Rank(definition?.Start ?? (visits.Count == 0 ? null : visits[0].State));
        diagram.Split();
        diagram.Order();
        diagram.Place();
        diagram.Draw(definition, visits, status);
        return diagram;
    }

    private void Declare(WorkflowDefinition? definition, IReadOnlyList<VisitView> visits)
    {
        var byName = new Dictionary<string, Node>(StringComparer.Ordinal);
        var byEnds = new Dictionary<(string, string), Edge>();
        foreach (var state in definition?.States ?? [])
        {
            Find(state.Name);
        }

        foreach (var state in definition?.States ?? [])
        {
            foreach (var to in state.To)
            {
                Lead(state.Name, to, isDeclared: true);
            }
        }

        foreach (var visit in visits)
        {
            Find(visit.State);
            if (visit.From is { Length: > 0 } from)
            {
                Lead(from, visit.State, isDeclared: definition is null).Taken.Add(visit.Number);
            }
        }

        Node Find(string name)
        {
            if (!byName.TryGetValue(name, out var node))
            {
                var label = Frame.Shown.Line(name, LabelMax);
                byName.Add(name, node = new Node { Name = name, Label = label, Width = (label.Length * CharacterWidth) + BoxPadding });
                _nodes.Add(node);
            }

            return node;
        }

        Edge Lead(string from, string to, bool isDeclared)
        {
            if (!byEnds.TryGetValue((from, to), out var edge))
            {
                edge = new Edge { From = Find(from), To = Find(to), IsDeclared = isDeclared };
                byEnds.Add((from, to), edge);
                _edges.Add(edge);
                if (edge.IsLoop && !edge.From.HasLoop)
                {
                    edge.From.HasLoop = true;
                    edge.From.Width += LoopWidth;
                }
                else if (!edge.IsLoop)
                {
                    edge.From.Out.Add(edge);
                }
            }

            return edge;
        }
    }

    /// <summary>The layer of each state: the longest path to it from the start. What leads back to where the search came from is turned round for that.</summary>
    private void Rank(string? start)
    {
        var order = new List<Node>(_nodes.Count);
        foreach (var root in _nodes.Where(n => n.Name == start).Concat(_nodes))
        {
            Search(root, order);
        }

        order.Reverse();
        foreach (var node in order)
        {
            foreach (var edge in node.Out.Where(e => !e.IsBack))
            {
                edge.To.Layer = Math.Max(edge.To.Layer, node.Layer + 1);
            }
        }
    }

    /// <summary>Depth first, without recursion; <paramref name="done"/> gets each state after all that it leads to.</summary>
    private static void Search(Node root, List<Node> done)
    {
        if (root.Search != Searched.Not)
        {
            return;
        }

        var path = new Stack<(Node Node, int Next)>();
        root.Search = Searched.OnPath;
        path.Push((root, 0));
        while (path.TryPop(out var at))
        {
            if (at.Next == at.Node.Out.Count)
            {
                at.Node.Search = Searched.Done;
                done.Add(at.Node);
                continue;
            }

            path.Push((at.Node, at.Next + 1));
            var edge = at.Node.Out[at.Next];
            if (edge.To.Search == Searched.OnPath)
            {
                edge.IsBack = true;
            }
            else if (edge.To.Search == Searched.Not)
            {
                edge.To.Search = Searched.OnPath;
                path.Push((edge.To, 0));
            }
        }
    }

    /// <summary>Every layer that an edge passes gets a place for it.</summary>
    private void Split()
    {
        _layers = [.. Enumerable.Range(0, _nodes.Count == 0 ? 0 : _nodes.Max(n => n.Layer) + 1).Select(_ => new List<Node>())];
        foreach (var node in _nodes)
        {
            _layers[node.Layer].Add(node);
        }

        foreach (var edge in _edges.Where(e => !e.IsLoop))
        {
            var (upper, lower) = edge.IsBack ? (edge.To, edge.From) : (edge.From, edge.To);
            var last = upper;
            for (var layer = upper.Layer + 1; layer < lower.Layer; layer++)
            {
                var lane = new Node { Name = "", Label = "", Layer = layer, IsLane = true };
                _layers[layer].Add(lane);
                Join(last, lane, edge);
                last = lane;
            }

            Join(last, lower, edge);
        }

        static void Join(Node upper, Node lower, Edge edge)
        {
            var leg = new Leg { Edge = edge, Upper = upper, Lower = lower };
            edge.Legs.Add(leg);
            upper.Below.Add(leg);
            lower.Above.Add(leg);
        }
    }

    /// <summary>Sweeps down and up, and keeps the order with the fewest crossings.</summary>
    private void Order()
    {
        Number();
        var best = _layers.Select(l => l.ToArray()).ToArray();
        var fewest = Crossings();
        for (var sweep = 0; sweep < Sweeps && fewest > 0; sweep++)
        {
            var down = sweep % 2 == 0;
            for (var i = 1; i < _layers.Length; i++)
            {
                var layer = _layers[down ? i : _layers.Length - 1 - i];
                foreach (var node in layer)
                {
                    var neighbours = down ? node.Above.Select(l => l.Upper) : node.Below.Select(l => l.Lower);
                    node.Weight = neighbours.Select(n => (double)n.Place).DefaultIfEmpty(node.Place).Average();
                }

                var sorted = layer.OrderBy(n => n.Weight).ThenBy(n => n.Place).ToArray();
                layer.Clear();
                layer.AddRange(sorted);
                Number(layer);
            }

            var crossings = Crossings();
            if (crossings < fewest)
            {
                fewest = crossings;
                best = [.. _layers.Select(l => l.ToArray())];
            }
        }

        for (var i = 0; i < best.Length; i++)
        {
            _layers[i] = [.. best[i]];
        }

        Number();
    }

    private void Number()
    {
        foreach (var layer in _layers)
        {
            Number(layer);
        }
    }

    private static void Number(List<Node> layer)
    {
        for (var i = 0; i < layer.Count; i++)
        {
            layer[i].Place = i;
        }
    }

    /// <summary>Pairs of edges between neighbouring layers that cross: inversions of the lower ends, when the edges are sorted by their upper ones. Counted by a tree of sums, so that a large graph stays quick.</summary>
    private long Crossings()
    {
        var crossings = 0L;
        for (var i = 0; i + 1 < _layers.Length; i++)
        {
            var size = _layers[i + 1].Count;
            var sums = new int[size + 1];
            var seen = 0;
            foreach (var place in _layers[i].SelectMany(n => n.Below.Select(l => l.Lower.Place).Order()))
            {
                var before = 0;
                for (var at = place + 1; at > 0; at &= at - 1)
                {
                    before += sums[at];
                }

                crossings += seen++ - before;
                for (var at = place + 1; at <= size; at += at & -at)
                {
                    sums[at]++;
                }
            }
        }

        return crossings;
    }

    /// <summary>Each wants to stand over the middle of its neighbours; boxes of a layer keep their order and their distance.</summary>
    private void Place()
    {
        foreach (var layer in _layers)
        {
            var x = 0.0;
            foreach (var node in layer)
            {
                node.Center = x + (node.Width / 2);
                x += node.Width + (node.IsLane ? LaneGap : BoxGap);
            }
        }

        for (var sweep = 0; sweep < Sweeps; sweep++)
        {
            for (var i = 0; i < _layers.Length; i++)
            {
                var layer = _layers[sweep % 2 == 0 ? i : _layers.Length - 1 - i];
                foreach (var node in layer)
                {
                    var (above, below) = (node.Above.Select(l => (l.Upper.Center, l.Pull)), node.Below.Select(l => (l.Lower.Center, l.Pull)));
                    node.Weight = Middle(sweep > Sweeps - 4 ? above.Concat(below) : sweep % 2 == 0 ? above : below, node.Center);
                }

                KeepApart(layer);
            }
        }

        var left = _layers.SelectMany(l => l).Select(n => n.Center - (n.Width / 2)).DefaultIfEmpty(0).Min();
        foreach (var node in _layers.SelectMany(l => l))
        {
            node.Center += Margin - left;
        }

        Width = _layers.SelectMany(l => l).Select(n => n.Center + (n.Width / 2)).DefaultIfEmpty(0).Max() + Margin;
        Height = (2 * Margin) + (_layers.Length * BoxHeight) + (Math.Max(0, _layers.Length - 1) * LayerGap);
    }

    private static double Middle(IEnumerable<(double Center, double Pull)> neighbours, double none)
    {
        var (sum, pulls) = (0.0, 0.0);
        foreach (var (center, pull) in neighbours)
        {
            sum += center * pull;
            pulls += pull;
        }

        return pulls == 0 ? none : sum / pulls;
    }

    /// <summary>The places nearest to the wanted ones (least squares) at which none overlaps its neighbour: neighbours that would are pooled.</summary>
    private static void KeepApart(List<Node> layer)
    {
        var pools = new List<(double Sum, int Count)>();
        var offsets = new double[layer.Count];
        for (var i = 0; i < layer.Count; i++)
        {
            offsets[i] = i == 0 ? 0 : offsets[i - 1] + ((layer[i - 1].Width + layer[i].Width) / 2) + (layer[i - 1].IsLane && layer[i].IsLane ? LaneGap : BoxGap);
            pools.Add((layer[i].Weight - offsets[i], 1));
            while (pools.Count > 1 && Mean(pools[^2]) > Mean(pools[^1]))
            {
                var joined = (pools[^2].Sum + pools[^1].Sum, pools[^2].Count + pools[^1].Count);
                pools.RemoveRange(pools.Count - 2, 2);
                pools.Add(joined);
            }
        }

        var at = 0;
        foreach (var pool in pools)
        {
            for (var n = 0; n < pool.Count; n++, at++)
            {
                layer[at].Center = Mean(pool) + offsets[at];
            }
        }

        static double Mean((double Sum, int Count) pool) => pool.Sum / pool.Count;
    }

    private void Draw(WorkflowDefinition? definition, IReadOnlyList<VisitView> visits, RunStatus? status)
    {
        var current = visits.Count == 0 ? null : visits[^1].State;
        var counts = visits.GroupBy(v => v.State, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        Boxes =
        [
            .. _nodes.Select(n => new StateBox(
                n.Name, n.Label, n.Center - (n.Width / 2), Top(n), n.Width - (n.HasLoop ? LoopWidth : 0), BoxHeight, definition?.Find(n.Name)?.End, n.Name == (definition?.Start ?? (visits.Count == 0 ? null : visits[0].State)),
                counts.GetValueOrDefault(n.Name), n.Name == current, n.Name == current && status == RunStatus.Failed, n.HasLoop)),
        ];
        foreach (var node in _layers.SelectMany(l => l))
        {
            Dock(node, node.Above, leg => leg.Upper.Center, (leg, x) => leg.LowerX = x);
            Dock(node, node.Below, leg => leg.Lower.Center, (leg, x) => leg.UpperX = x);
        }

        Edges = [.. _edges.Select(Draw)];
    }

    /// <summary>Where the edges of a box begin and end: side by side, in the order of their other ends.</summary>
    private static void Dock(Node node, List<Leg> legs, Func<Leg, double> other, Action<Leg, double> set)
    {
        var sorted = legs.OrderBy(other).ThenBy(l => l.Edge.IsBack).ToArray();
        var left = node.Center - (node.Width / 2);
        var room = node.Width - (node.HasLoop ? LoopWidth : 0);
        for (var i = 0; i < sorted.Length; i++)
        {
            set(sorted[i], node.IsLane ? node.Center : left + (room * (i + 1) / (sorted.Length + 1)));
        }
    }

    private StateEdge Draw(Edge edge)
    {
        if (edge.IsLoop)
        {
            var right = edge.From.Center + (edge.From.Width / 2) - LoopWidth;
            var middle = Top(edge.From) + (BoxHeight / 2);
            return new(edge.From.Name, edge.To.Name, Text($"M{right:0.#} {middle - 6:0.#}h12v12h-8"), Text($"{right:0.#},{middle + 6:0.#} {right + 6:0.#},{middle + 3:0.#} {right + 6:0.#},{middle + 9:0.#}"), right + 14, middle + 20, edge.Taken, IsBack: true, edge.IsDeclared);
        }

        var (first, last) = (edge.Legs[0], edge.Legs[^1]);
        var path = new StringBuilder();
        foreach (var leg in edge.Legs)
        {
            var y1 = Top(leg.Upper) + BoxHeight + (leg == first && edge.IsBack ? HeadLength : 0);
            var y2 = Top(leg.Lower) - (leg == last && !edge.IsBack ? HeadLength : 0);
            var middle = (y1 + y2) / 2;
            path.Append(CultureInfo.InvariantCulture, $"{(leg == first ? 'M' : 'L')}{leg.UpperX:0.#} {y1:0.#}C{leg.UpperX:0.#} {middle:0.#} {leg.LowerX:0.#} {middle:0.#} {leg.LowerX:0.#} {y2:0.#}");
        }

        var (x, tip, wide) = edge.IsBack
            ? (first.UpperX, Top(first.Upper) + BoxHeight, Top(first.Upper) + BoxHeight + HeadLength)
            : (last.LowerX, Top(last.Lower), Top(last.Lower) - HeadLength);
        var told = edge.IsBack ? first : last;
        return new(
            edge.From.Name, edge.To.Name, path.ToString(), Text($"{x:0.#},{tip:0.#} {x - 4:0.#},{wide:0.#} {x + 4:0.#},{wide:0.#}"), (told.UpperX + told.LowerX) / 2, Top(told.Upper) + BoxHeight + (LayerGap / 2),
            edge.Taken, edge.IsBack, edge.IsDeclared);
    }

    private static double Top(Node node) => Margin + (node.Layer * (BoxHeight + LayerGap));

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private enum Searched
    {
        Not,
        OnPath,
        Done,
    }

    /// <summary>A state, or the place of an edge in a layer that it only passes.</summary>
    private sealed class Node
    {
        public required string Name { get; init; }

        public required string Label { get; init; }

        public bool IsLane { get; init; }

        public int Layer { get; set; }

        public double Width { get; set; }

        public bool HasLoop { get; set; }

        public Searched Search { get; set; }

        public List<Edge> Out { get; } = [];

        public List<Leg> Above { get; } = [];

        public List<Leg> Below { get; } = [];

        public int Place { get; set; }

        public double Weight { get; set; }

        public double Center { get; set; }
    }

    private sealed class Edge
    {
        public required Node From { get; init; }

        public required Node To { get; init; }

        public required bool IsDeclared { get; init; }

        public bool IsLoop => From == To;

        /// <summary>It leads against the layers.</summary>
        public bool IsBack { get; set; }

        public List<int> Taken { get; } = [];

        /// <summary>From the upper end to the lower.</summary>
        public List<Leg> Legs { get; } = [];
    }

    /// <summary>The part of an edge between two neighbouring layers.</summary>
    private sealed class Leg
    {
        public required Edge Edge { get; init; }

        public required Node Upper { get; init; }

        public required Node Lower { get; init; }

        /// <summary>How much it wants to be straight: the way from state to state, and within a lane, before the way into a lane.</summary>
        public double Pull => Upper.IsLane == Lower.IsLane ? 4 : 1;

        public double UpperX { get; set; }

        public double LowerX { get; set; }
    }
}
