"""Reports of runs as one HTML file that needs no network.

`report` is the entry point. The other modules gather its parts as JSON values, and `page` puts them into the
templates. The curves are drawn by uPlot, whose script and style sheet lie in `uplot`: 53 kB, where Bokeh's
script has 1.3 MB (32 MB installed), that of Vega-Lite 0.9 MB (94 MB with altair and vl-convert) and that of
plotly 4.8 MB. It draws eight panels of 20 curves of 1,000 points in 0.1 s, Vega-Lite in 1.3 s.
"""
